"""What a tortured pipeline is made of; the factories come from above, which knows settings and adapters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from reactivex import Observable

from streams.engine import Engine
from tidegate.clock import Clock
from tidegate.domain.market import MarketRules
from tidegate.domain.ports import Journal, SignalHistory, Venue
from tidegate.domain.signal import Raw
from tidegate.torture.history import Bounds

__all__ = ["Machine", "Setup", "Stored"]


class Stored(Journal, Protocol):
    """A journal that can be read whole, and whose process can die."""

    def histories(self) -> Iterator[SignalHistory]:
        """Every signal with its whole life, oldest first."""
        ...

    def abandon(self) -> None:
        """Let go of it as a dying process does: what is not committed is gone."""
        ...


class Machine(Protocol):
    """A disk with one journal on it."""

    def open(self) -> Stored:
        """Open the journal, as a process does that starts."""
        ...

    def committed(self) -> None:
        """Take notice that the open journal was committed to."""
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

    def funds(self, trader: str) -> Mapping[str, Decimal]:
        """What an account has at the beginning, by currency: it can pay for little more than one order."""
        ...

    def rules(self, trader: str) -> Callable[[str], MarketRules | None]:
        """What orders of an account must fit, by symbol."""
        ...

    def raised(self, text: str) -> str:
        """What an adapter lets through of an error that says `text` and has a key in it."""
        ...

    def settles(self, trader: str) -> bool:
        """Whether "not found" may be taken as proof on an account, where its venue allows that."""
        ...

    def bounds(self, positions_max: int) -> Bounds:
        """What binds orders where so many open positions are allowed; with 0 as many as the settings say."""
        ...

    @property
    def installation(self) -> str:
        """The name that our orders' ids begin with a hash of."""
        ...

    async def engine(self, journal: Journal, clock: Clock, venues: Sequence[Venue], bounds: Bounds) -> Engine:
        """A pipeline, not started yet, that keeps within bounds."""
        ...

    def signals(self, engine: Engine, clock: Clock, *, until_ns: int) -> Sequence[Observable[Raw]]:
        """What besides the script's signals comes in, until a moment."""
        ...
