"""Everything known about a run when it is over: the journal, the venues' own records, and every receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from tidegate.domain import events as e
from tidegate.domain.ports import SignalHistory
from tidegate.torture.faulty.books import Books
from tidegate.torture.faulty.fault import VenueFaultKind
from tidegate.torture.faulty.ledger import FaultyLedger
from tidegate.torture.faulty.script import Script
from tidegate.torture.faulty.source import Given
from tidegate.torture.kept import Kept

__all__ = ["Bounds", "TortureHistory", "Violation"]


class Violation(Struct, frozen=True):
    """A rule that a run broke: the invariant's name, and what shows it."""

    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


class Bounds(Struct, frozen=True, kw_only=True):
    """By what the settings bind orders: the symbols that may be open at once, the cost of an order, by symbol, and how
    many attempts that cost one it has.

    `sells_holdings` says that also coins may be sold that no trade of ours bought.
    """

    positions_max: int
    notional_max: Mapping[str, Decimal]
    no_dust: Mapping[str, Decimal]
    attempts_max: int
    sells_holdings: bool = False


class TortureHistory(Struct, frozen=True, kw_only=True):
    """Everything of one run.

    `books` are the venues' own, by account. `kept` is what the pipeline's state said at the end, None where it was not
    alive then, and `restored` what the next start would make of the journal. `wall_off` has each moment at which the
    machine's clock was set, and how far ahead of the time it was from then on. `installation` is the name that our
    orders' ids begin with a hash of. `errors` are unhandled exceptions.
    """

    script: Script
    reached: Sequence[str]
    acted: int
    struck: Mapping[VenueFaultKind, int]
    histories: Sequence[SignalHistory]
    events: Sequence[e.Recorded]
    ledger: FaultyLedger
    sent: Sequence[bytes]
    acknowledged: Mapping[bytes, str]
    given: Sequence[Given]
    books: Mapping[str, Books]
    kept: Kept | None
    restored: Kept
    bounds: Bounds
    installation: str
    wall_off: Sequence[tuple[int, int]]
    in_time: bool
    errors: Sequence[str]
    secrets: Sequence[str]
    ended_ns: int

    def skew_ns(self, at_ns: int) -> int:
        """How far ahead the machine's clock was at a moment."""
        return next(skew_ns for from_ns, skew_ns in reversed(self.wall_off) if from_ns <= at_ns)
