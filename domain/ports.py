"""What the pipeline asks of the world. Adapters fit by shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from domain.events import Body, Recorded
from domain.market import MarketRules
from domain.order import Answer, OrderRequest, OrderUpdate

__all__ = [
    "Committed",
    "Conflict",
    "Item",
    "Journal",
    "NewSignal",
    "OpenSignal",
    "Outcomes",
    "Past",
    "Snapshot",
    "Venue",
]


class NewSignal(Struct, frozen=True, gc=False):
    """The identity under which a signal is accepted: unique in the journal, checked in the commit itself."""

    id: str
    content: bytes
    raw: bytes


class Item(Struct, frozen=True, gc=False):
    """What is committed together or not at all: events of one moment and one signal, or of the pipeline (number 0).

    With `new`, the first event's position becomes the signal's number. `signal_id` is that of an existing signal.
    `done` says that after these events nothing of the signal is open: neither itself nor an order of it.
    """

    at_ns: int
    bodies: tuple[Body, ...]
    number: int = 0
    signal_id: str = ""
    new: NewSignal | None = None
    done: bool = False


class Committed(Struct, frozen=True, gc=False):
    """The item's events, with their positions."""

    events: tuple[Recorded, ...]


class Conflict(Struct, frozen=True, gc=False):
    """The identity is taken, by the signal `number`; nothing of the item was written."""

    number: int
    same_content: bool


Outcomes: TypeAlias = Sequence[Committed | Conflict]


class OpenSignal(Struct, frozen=True):
    """A signal of which something is still open, with its whole life so far, oldest event first."""

    number: int
    signal_id: str
    content: bytes
    raw: bytes
    events: tuple[Recorded, ...]


class Snapshot(Struct, frozen=True, gc=False):
    """The image of a part of the state as it was after the event at `position`."""

    position: int
    image: bytes


class Past(Protocol):
    """What is recorded, for whoever reads it. Positions rise; they may have gaps."""

    def snapshots(self) -> Mapping[str, Snapshot]:
        """The newest image of each part of the state."""
        ...

    def read(self, after: int = 0) -> Iterator[Recorded]:
        """The events behind a position, oldest first."""
        ...


class Journal(Past, Protocol):
    """The durable record. One writer."""

    async def commit(self, items: Sequence[Item], snapshots: Mapping[str, bytes]) -> Outcomes:
        """Commit a batch of independent items, durably, and answer for each.

        `snapshots` are images of the state as it was *before* this batch, and are written with it.

        Raises:
            JournalUnavailable: nothing was written; the same batch may be tried again.
        """
        ...

    def head(self) -> int:
        """The position of the newest event, 0 when there is none."""
        ...

    def open(self) -> Iterator[OpenSignal]:
        """The signals that are not done, oldest first."""
        ...

    def find(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The numbers of those of the signals that are known."""
        ...


class Venue(Protocol):
    """An account on a venue that takes orders."""

    @property
    def trader(self) -> str:
        """The account's id in the settings."""
        ...

    @property
    def batch_max(self) -> int:
        """How many orders one call takes."""
        ...

    def rules(self, symbol: str) -> MarketRules | None:
        """What an order of `symbol` must fit; None where the venue does not trade it."""
        ...

    async def create_orders(self, requests: Sequence[OrderRequest]) -> Sequence[Answer]:
        """Send orders, each once, and tell what came of each. Never raises for what a venue may do."""
        ...

    async def find_order(self, request: OrderRequest) -> Answer:
        """Tell what became of an order that was or may have been sent. `NotPlaced` only where that is proved."""
        ...

    def listen(self, heard: Callable[[OrderUpdate], None]) -> None:
        """Tell `heard` what becomes of acknowledged orders."""
        ...
