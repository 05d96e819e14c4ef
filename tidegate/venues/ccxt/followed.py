"""One order that may still fill, and when the venue is to be asked for it next."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from tidegate.domain.order import OrderRequest
from tidegate.venues.ccxt.user_stream import Hint

__all__ = ["FollowedOrder"]

_ASKED_AFTER_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_LAST_ASKED_S = sum(_ASKED_AFTER_S)
_TOGETHER_NS = 500_000_000
_HINTED_NS = 100_000_000  # several messages tell of one trade
_MISSED_AT_POLL = 3  # about 7 s after the acknowledgement
_FRUITLESS_MAX = 7  # 64 s


class FollowedOrder(Struct, kw_only=True):
    """When one order is asked for: at `poll_ns`, with others, and at `hint_ns`, because the stream claims news of it.

    None is never. `filled` is what was found of it; `made_at_ns` is by the wall clock, everything else steady time.
    `expected`: the stream was subscribed when the order was acknowledged, and so has to mention it. `fruitless` is how
    many claims in a row the venue did not confirm.
    """

    request: OrderRequest
    venue_order_id: str
    made_at_ns: int
    begun_ns: int
    filled: Decimal = Decimal(0)
    poll_ns: int | None = None
    hint_ns: int | None = None
    expected: bool = False
    polls: int = 0
    fruitless: int = 0
    not_before_ns: int = 0

    @property
    def due_ns(self) -> int | None:
        """When it is asked for next; None where only a hint can change that."""
        moments = [at_ns for at_ns in (self.poll_ns, self.hint_ns) if at_ns is not None]
        return min(moments, default=None)

    def is_hinted(self, now_ns: int) -> bool:
        """Whether the venue is to be asked for it because of a hint; one a little later is not waited for."""
        return self.hint_ns is not None and self.hint_ns <= now_ns + _HINTED_NS

    def is_due(self, now_ns: int) -> bool:
        """Whether the venue is to be asked for it."""
        return self.is_hinted(now_ns) or (self.poll_ns is not None and self.poll_ns <= now_ns)

    def poll_from(self, now_ns: int) -> None:
        """Ask after 1 s, and then less and less often."""
        self.polls, self.poll_ns = 0, _together(now_ns, _ASKED_AFTER_S[0])

    def polled(self, now_ns: int) -> bool:
        """A poll is made now. Gives whether the stream should have mentioned the order by now, and did not."""
        self.polls += 1
        more = self.polls < len(_ASKED_AFTER_S)
        self.poll_ns = _together(now_ns, _ASKED_AFTER_S[self.polls]) if more else None
        return self.expected and self.polls == _MISSED_AT_POLL

    def take(self, hint: Hint, now_ns: int, earliest_ns: int = 0) -> None:
        """The stream mentions it: polls are left out, and where it claims news, the venue is asked soon, from
        `earliest_ns` on."""
        self.expected = False
        if not self.fruitless and self.poll_ns is not None:
            self.polls = len(_ASKED_AFTER_S) - 1
            self.poll_ns = max(_together(self.begun_ns, _LAST_ASKED_S), now_ns)
        if (not hint.is_open or hint.filled is None or hint.filled > self.filled) and self.hint_ns is None:
            self.hint_ns = max(now_ns + _HINTED_NS, self.not_before_ns, earliest_ns)

    def answered(self, now_ns: int, *, confirmed: bool) -> None:
        """The venue was asked because of a claim. What it does not confirm may be late there, or untrue."""
        if confirmed:
            self.fruitless = self.not_before_ns = 0
            return
        if not self.fruitless:
            self.poll_from(now_ns)
        self.fruitless = min(self.fruitless + 1, _FRUITLESS_MAX)
        self.not_before_ns = now_ns + (1_000_000_000 << self.fruitless - 1)
        if self.hint_ns is not None:
            self.hint_ns = max(self.hint_ns, self.not_before_ns)

    def lose_stream(self, now_ns: int) -> None:
        """Something may have been missed: an order that is still polled is polled as if it were new."""
        self.expected = False
        if self.poll_ns is not None:
            self.poll_from(now_ns)


def _together(now_ns: int, after_s: float) -> int:
    """Moments half a second apart, so that orders are asked for together."""
    return -(-(now_ns + round(after_s * 1e9)) // _TOGETHER_NS) * _TOGETHER_NS
