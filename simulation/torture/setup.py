"""What a tortured pipeline is made of; the factories come from above, which knows settings and adapters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from reactivex import Observable

from clock import Clock
from domain.market import Quote
from domain.ports import Journal, OpenSignal, Venue
from domain.signal import Raw
from simulation.faulty.bourse import Exchange
from streams.engine import Engine

__all__ = ["Machine", "Quoted", "Setup", "Stored"]


class Stored(Journal, Protocol):
    """A journal that can be read whole, and whose process can die."""

    def lives(self) -> Iterator[OpenSignal]:
        """Every signal with its whole life, oldest first."""
        ...

    def abandon(self) -> None:
        """Let go of it as a dying process does: what is not committed is gone."""
        ...


class Quoted(Exchange, Protocol):
    """An exchange that trades by quotes."""

    def on_quote(self, quote: Quote) -> None:
        """Fill what the new best prices reach."""
        ...

    def totals(self) -> Mapping[str, Decimal]:
        """What its account has of each currency in all."""
        ...


class Machine(Protocol):
    """A disk with one journal on it."""

    def open(self) -> Stored:
        """Open the journal, as a process does that starts."""
        ...

    def cut_power(self) -> None:
        """Take along what was committed and never made durable. The journal is not open."""
        ...

    def scrap(self) -> None:
        """Throw the journal away."""
        ...


class Setup(Protocol):
    """Settings, made into the parts of a pipeline."""

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols that are traded."""
        ...

    @property
    def traders(self) -> Sequence[str]:
        """The accounts, by their ids."""
        ...

    @property
    def source(self) -> str:
        """A sender whose signals are taken."""
        ...

    @property
    def prices(self) -> Mapping[str, Decimal]:
        """The price at which each symbol begins."""
        ...

    @property
    def amounts(self) -> Mapping[str, Decimal]:
        """What an order of each symbol buys about, at that price."""
        ...

    @property
    def secrets(self) -> Sequence[str]:
        """Words that must not appear in any record."""
        ...

    def machine(self) -> Machine:
        """A machine with nothing on it."""
        ...

    def exchange(self, trader: str, price: Callable[[str], Decimal]) -> Quoted:
        """An exchange with an account that can pay for little more than one order."""
        ...

    def settles(self, trader: str) -> bool:
        """Whether "not found" may be taken as proof on an account, where its venue allows that."""
        ...

    async def engine(self, journal: Journal, clock: Clock, venues: Sequence[Venue]) -> Engine:
        """A pipeline, not started yet."""
        ...

    def signals(self, engine: Engine, clock: Clock, *, until_ns: int) -> Sequence[Observable[Raw]]:
        """What besides the script's signals comes in, until a moment."""
        ...
