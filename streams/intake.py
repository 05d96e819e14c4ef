"""What is recorded of a signal when it comes in, and how many had to be turned away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Sized
from decimal import Decimal

from operators.adaptive_limit import AdaptiveLimit
from operators.group_commit import GroupCommit
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.ports import Item
from tidegate.domain.reasons import Reason
from tidegate.domain.soundness import sound_refusal
from tidegate.domain.verdict import Refusal, Verdict

__all__ = ["IntakeLoad", "entry_item", "expires_at_ns"]


_RULES = "the entry rules"
_UNSCORED = Refusal(Reason.CHECK_FAILED, measured="the entry rules gave no score")


def expires_at_ns(verdict: Verdict, ttl_ns: int) -> int:
    """When a signal that was received at the verdict's time expires: by its own time to live, else by `ttl_ns`."""
    own = verdict.signal.ttl_s
    return verdict.at_ns + (ttl_ns if own is None else int(own * 1e9))


def entry_item(verdict: Verdict, ttl_ns: int, mid: Decimal | None = None) -> Item:
    """The first event of a signal: accepted or refused, under its identity, with the bytes as they came.

    `mid` is the middle of its market now, where that is to be recorded.
    """
    signal, refusal, score = verdict.signal, verdict.refusal, verdict.score
    if refusal is None and score is not None:
        ends_ns = expires_at_ns(verdict, ttl_ns)
        accepted = e.Accepted(score.value, score.parts, ends_ns, signal.generated, mid)
        return Item(verdict.at_ns, (accepted,), 0, "", signal)
    why = sound_refusal(refusal, _RULES) or _UNSCORED
    refused = e.Refused(
        reason=why.reason,
        measured=why.measured,
        limit=why.limit,
        score=score.value if score is not None else None,
        generated=signal.generated,
        rule=why.rule,
    )
    return Item(verdict.at_ns, (refused,), new=signal, done=True)


class IntakeLoad:
    """Knows how full the house is, and counts what was turned away before it could be recorded.

    At most `capacity` signals may be under way to their commit, as many as are committed within `max_delay_ms`, and
    none more while `max_waiting` wait for their execution. `limit` learns from the commits how many that are.

    Inputs that can wait, as files can, take half of `capacity`, and nothing while others wait: nothing of them is ever
    shed. They keep `depth_of_inputs` under `inputs_max`. Memory: one number for each reason.
    """

    def __init__(
        self,
        commits: GroupCommit,
        pending: Sized,
        *,
        clock: Clock,
        capacity: int,
        max_waiting: int,
        max_delay_ms: float | None = None,
    ) -> None:
        self.limit = AdaptiveLimit(max_delay_ms, clock=clock, failing=lambda: commits.failing is not None)
        self.inputs_max = max(capacity // 2, 1)
        self._commits, self._pending = commits, pending
        self._capacity, self._max_waiting = capacity, max_waiting
        self._counts: Counter[Reason] = Counter()
        commits.committed.subscribe(self._committed, lambda _: None)

    def depth(self) -> int:
        """How many signals are under way to their commit; as many as may be, while too many wait."""
        return self._capacity if len(self._pending) >= self._max_waiting else self._commits.depth()

    def depth_of_inputs(self) -> int:
        """The same for inputs that can wait: below `inputs_max` by as many as may be let in now."""
        if self.limit.waiting:
            return self.inputs_max
        depth = self.depth()
        return max(depth, self.inputs_max - self.limit.room(depth))

    def turned_away(self, _: object, reason: Reason) -> None:
        """Count one signal that was shed; its sender was notified, if it asked."""
        self._counts[reason] += 1

    def record(self, at_ns: int) -> None:
        """Have the counts since the last time recorded, unless the journal fails just now."""
        if self._commits.failing is not None:
            return
        for reason, count in self._counts.items():
            self._commits.submit(Item(at_ns, (e.TurnedAway(count=count, reason=reason),)), must=True)
        self._counts.clear()

    def _committed(self, events: Sequence[e.Recorded]) -> None:
        self.limit.committed(len(events), more=self._commits.depth() > 0)
