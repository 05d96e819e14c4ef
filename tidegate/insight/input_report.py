"""The outcomes of an input's signals, and which of its lines were refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from msgspec.structs import replace
from reactivex import Observable

from operators.chunks import map_each
from streams.state import State
from tidegate.domain import events as e
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.signal import Raw, Receipt
from tidegate.insight.explaining import explain

__all__ = ["InputReport"]

_NAMED_MAX = 20
_OUTCOME: dict[type[e.Body], Outcome] = {
    e.Refused: Outcome.REFUSED,
    e.Superseded: Outcome.SUPERSEDED,
    e.Expired: Outcome.EXPIRED,
    e.Placed: Outcome.PLACED,
    e.Failed: Outcome.FAILED,
}


class InputReport:
    """Follows what an input sends. `numbers` gives the number of the next line; what has no lines is only counted.

    Memory: a number for each signal that is not decided, and the first 20 lines that became no order.
    """

    def __init__(self, name: str, numbers: Iterator[int] | None = None) -> None:
        self.name = name
        self._numbers = numbers
        self._lines = 0
        self._counts: Counter[str] = Counter()
        self._undecided: dict[str, int] = {}
        self._refused_now: dict[str, e.Refused] = {}
        self._unnamed = 0
        self._named: list[tuple[int, str]] = []

    def follow(self, raws: Observable[Raw]) -> Observable[Raw]:
        """The input's signals as they come, each with a callback for its receipt."""
        return raws.pipe(map_each(self._take))

    def watch(self, events: Sequence[e.Recorded]) -> None:
        """Take in the events of one commit, before its senders get their receipts."""
        self._refused_now.clear()
        for event in events:
            outcome = _OUTCOME.get(type(event.body))
            if outcome is None:
                continue
            line = self._undecided.pop(event.signal_id, None)
            if line is not None:
                self._decided(line, outcome, event.body)
            elif isinstance(event.body, e.Refused):
                self._refused_now[event.signal_id] = event.body

    def lines(self, state: State) -> Sequence[str]:
        """Lines of text: how many signals came, their outcomes, and which lines were refused, and why."""
        counts = self._counts.copy()
        counts.update(
            statuses.outcome.value for statuses in state.statuses.values() if statuses.signal_id in self._undecided
        )
        summed = ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"
        named = [f"  line {line}: {words}" for line, words in sorted(self._named)]
        more = [f"  and {self._unnamed} more: see `signals`"] if self._unnamed else []
        plural = "" if self._lines == 1 else "s"
        return [f"{self.name}: {self._lines} signal{plural}: {summed}", *named, *more]

    def _take(self, raw: Raw) -> Raw:
        self._lines += 1
        return replace(raw, reply=partial(self._received, next(self._numbers) if self._numbers else 0))

    def _received(self, line: int, receipt: Receipt) -> None:
        if receipt.signal_id is None:
            self._note(line, "rejected at intake", f"rejected at intake, {receipt.reason}: send it again")
        elif receipt.redelivered:
            self._counts["already known"] += 1
        elif (refused := self._refused_now.get(receipt.signal_id)) is not None:
            self._decided(line, Outcome.REFUSED, refused)
        else:
            self._undecided[receipt.signal_id] = line

    def _decided(self, line: int, outcome: Outcome, body: e.Body) -> None:
        match body:
            case (
                e.Refused(reason=reason, measured=measured, limit=limit, rule=rule)
                | e.Expired(reason=reason, measured=measured, limit=limit, rule=rule)
            ):
                self._note(line, outcome.value, f"{outcome}, {explain(reason, measured, limit, rule)}")
            case e.Failed(reason=reason, detail=detail):
                self._note(line, outcome.value, f"{outcome}, {explain(reason, detail)}")
            case _:
                self._counts[outcome.value] += 1

    def _note(self, line: int, outcome: str, words: str) -> None:
        self._counts[outcome] += 1
        if self._numbers is None:
            return
        if len(self._named) < _NAMED_MAX:
            self._named.append((line, words))
        else:
            self._unnamed += 1
