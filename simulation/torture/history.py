"""What is known of a run when it is over: what the journal says, what the venues say, what everybody was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from domain import events as e
from domain.ports import OpenSignal
from simulation.faulty.ledger import Ledger
from simulation.faulty.mishap import Kind
from simulation.faulty.script import Script

__all__ = ["History", "Violation"]


class Violation(Struct, frozen=True):
    """A rule that a run broke: the invariant's name, and what shows it."""

    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


class History(Struct, frozen=True, kw_only=True):
    """Everything of one run. `errors` are those that nobody handled; `balances` are the venues', by account; `wall_off`
    says from when on the machine's wall clock was wrong, and by how much."""

    script: Script
    reached: Sequence[str]
    acted: int
    struck: Mapping[Kind, int]
    lives: Sequence[OpenSignal]
    events: Sequence[e.Recorded]
    ledger: Ledger
    sent: Sequence[bytes]
    acknowledged: Mapping[bytes, str]
    balances: Mapping[str, Mapping[str, Decimal]]
    wall_off: Sequence[tuple[int, int]]
    in_time: bool
    errors: Sequence[str]
    secrets: Sequence[str]
    ended_ns: int
