"""What goes wrong with a venue that is only listened to: reported once, and tried again later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tidegate.clock import Clock
from tidegate.domain.errors import VenueUnavailable
from tidegate.venues.ccxt.address import LeftAlone
from tidegate.venues.ccxt.answers import read_failure
from tidegate.venues.ccxt.calls import ExchangeCall
from tidegate.venues.ccxt.meaning import Meaning
from tidegate.venues.ccxt.quirks import Quirks

__all__ = ["Troubles"]

_PAUSE_S, _PAUSE_MAX_S = 1, 60
_LIMITED_S, _LIMITED_MAX_S = 15, 600
_LIMITS = frozenset({"DDoSProtection", "RateLimitExceeded"})


@dataclass(slots=True)
class _Streak:
    failures: int = 0
    reported: type[BaseException] | None = None
    again_ns: int = 0


class Troubles:
    """Failures by the place where they occur, and the moment from which to try again there.

    The pause doubles from 1 s to 60 s with each failure in a row. A venue that wants to be left alone is, at every
    place: for as long as it says, else for 15 s, doubling to 10 minutes. `fault(where, error)` receives the first
    failure of a row, and each of another kind than the one before, in words that went through `redact`.
    Memory: a few numbers a place.
    """

    def __init__(
        self, quirks: Quirks, *, clock: Clock, fault: Callable[[str, Exception], None], redact: Callable[[str], str]
    ) -> None:
        self._quirks, self._clock = quirks, clock
        self._fault, self._redact = fault, redact
        self._streaks: dict[str, _Streak] = {}
        self._alone = _Streak()

    def again_ns(self, where: str) -> int:
        """When to try again there; a moment in the past where nothing is the matter."""
        streak = self._streaks.get(where)
        return max(self._alone.again_ns, streak.again_ns if streak else 0)

    def over(self, where: str) -> None:
        """It works there."""
        self._streaks.pop(where, None)

    def answered(self, where: str) -> None:
        """It works there, and the venue is not tired of us."""
        self.over(where)
        if self._clock.now_ns() >= self._alone.again_ns:
            self._alone.failures = 0

    def note(self, where: str, error: BaseException, call: ExchangeCall | None = None) -> None:
        """It failed there, with the answer that `call` recorded. What was not sent is no failure of the venue."""
        if isinstance(error, LeftAlone):
            self._alone.again_ns = max(self._alone.again_ns, self._clock.now_ns() + round(error.for_s * 1e9))
            return
        now_ns = self._clock.now_ns()
        streak = self._streaks.setdefault(where, _Streak())
        streak.again_ns = now_ns + _pause_ns(streak, _PAUSE_S, _PAUSE_MAX_S)
        limited_for_ns = self._limited_for_ns(error, call or ExchangeCall(), now_ns)
        if limited_for_ns is not None:
            self._alone.again_ns = max(self._alone.again_ns, now_ns + limited_for_ns)
        if streak.reported is not type(error):
            streak.reported = type(error)
            words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            self._fault(where, VenueUnavailable(self._redact(words)))

    def _limited_for_ns(self, error: BaseException, call: ExchangeCall, now_ns: int) -> int | None:
        reading = read_failure(
            error,
            self._quirks,
            sent=True,
            headers=call.headers,
            now_ms=self._clock.wall_ns() // 1_000_000,
            status=call.status,
            body=call.body,
        )
        if reading.meaning is not Meaning.REJECTED_FOR_NOW and type(error).__name__ not in _LIMITS:
            return None
        if reading.retry_after_s is not None:
            return round(reading.retry_after_s * 1e9)
        if now_ns < self._alone.again_ns:  # of the same burst as the one before
            return 0
        return _pause_ns(self._alone, _LIMITED_S, _LIMITED_MAX_S)


def _pause_ns(streak: _Streak, first_s: int, max_s: int) -> int:
    streak.failures += 1
    return min(first_s << min(streak.failures - 1, 16), max_s) * 1_000_000_000
