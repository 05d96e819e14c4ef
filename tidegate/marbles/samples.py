"""Signals to test with, and one letter for what became of them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw
from tidegate.domain.verdict import Verdict

__all__ = ["Sample", "outcome_letter", "signal"]

_LETTERS = {
    Reason.WEAK: "W",
    Reason.REPEAT: "D",
    Reason.STALE: "S",
    Reason.FROM_FUTURE: "F",
    Reason.MALFORMED: "M",
    Reason.CONFLICT: "C",
    Reason.UNKNOWN_SOURCE: "U",
    Reason.SCORE_TOO_LOW: "L",
    Reason.CHECK_FAILED: "X",
}


class Sample(Raw, frozen=True):
    """A template for many similar signals: each marble of it is another signal, with a key of its own."""

    said: Mapping[str, object] = msgspec.field(default_factory=dict)

    def another(self, count: int) -> Raw:
        """The `count`-th signal of this kind: `a`, `a2`, `a3`."""
        key = self.said["key"] if count == 1 else f"{self.said['key']}{count}"
        return Raw(msgspec.json.encode({**self.said, "key": key}), may_say_now=True)


def signal(name: str, **fields: object) -> Raw:
    """A signal as a door hands it in: one that buys, of strength 0.8, made now.

    Signals of different names have different symbols: `signal("a")` is about A/USDT. `fields` replace what it says;
    None leaves a field out. Every marble of it is another signal, unless a `key` is given: then it is the same one,
    delivered again.
    """
    symbol = f"{name.upper()}/USDT"
    given = {"symbol": symbol, "side": "buy", "strength": 0.8, "timestamp": "now", "key": name, **fields}
    said = {field: value for field, value in given.items() if value is not None}
    payload = msgspec.json.encode(said)
    return Raw(payload, may_say_now=True) if "key" in fields else Sample(payload, may_say_now=True, said=said)


def outcome_letter(verdict: Verdict) -> str:
    """One letter for a verdict: its key's first, small (`?` without a key), or a capital one for why it was refused.

    W weak, D repeat, S stale, F from the future, M malformed, C conflict, U unknown source, L score too low,
    X check failed, R everything else.
    """
    if verdict.refusal is not None:
        return _LETTERS.get(verdict.refusal.reason, "R")
    return (verdict.signal.key or "?")[0].lower()
