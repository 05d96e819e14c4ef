"""What the pipeline asks of the world. Adapters fit by shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol, TypeAlias

from msgspec import Struct

from tidegate.domain.events import Body, Recorded
from tidegate.domain.market import MarketRules
from tidegate.domain.order import Answer, Listing, LookupResult, OrderRequest, OrderUpdate
from tidegate.domain.signal import Signal

__all__ = [
    "CommitResults",
    "Committed",
    "Conflict",
    "Fold",
    "Item",
    "ItemRefused",
    "Journal",
    "JournalReader",
    "NewSignal",
    "Past",
    "SignalHistory",
    "Snapshot",
    "UnknownOrderPolicy",
    "Venue",
]


class NewSignal(Struct, frozen=True, gc=False):
    """The identity under which a signal is accepted: unique in the journal, checked in the commit itself.

    `key` is its sender's own name for it, where it has one: it is found by that too. `as_written` is
    `Signal.as_written`: a signal that is known by it, as id or as content, is the same one.
    """

    id: str
    content: bytes
    raw: bytes
    source: str = ""
    key: str | None = None
    as_written: bytes = b""


class Item(Struct, frozen=True, gc=False):
    """What is committed together or not at all: events of one moment and one signal, or of the pipeline (number 0).

    With `new`, a signal or just its identity, the first event's position becomes the signal's number. `signal_id` is
    that of an existing signal. `done` says that after these events nothing of the signal is open: neither itself nor an
    order of it; `reopens` that something is open again.
    """

    at_ns: int
    bodies: tuple[Body, ...]
    number: int = 0
    signal_id: str = ""
    new: NewSignal | Signal | None = None
    done: bool = False
    reopens: bool = False


class Committed(Struct, frozen=True, gc=False):
    """The item's events, with their positions."""

    events: tuple[Recorded, ...]


class Conflict(Struct, frozen=True, gc=False):
    """The identity is taken, by the signal `number`; nothing of the item was written."""

    number: int
    same_content: bool


class ItemRefused(Struct, frozen=True, gc=False):
    """The item cannot be recorded, now or later, and nothing of it was: `why` says what is wrong with it."""

    why: str


CommitResults: TypeAlias = Sequence[Committed | Conflict | ItemRefused]


class SignalHistory(Struct, frozen=True):
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


class Fold(Protocol):
    """Something that the committed events add up to, such as a read model, with an image of it in the journal.

    At the start it gets its newest image, if there is one, and then only the events behind that. Each method is called
    on the pipeline's loop, and everything else waits meanwhile.
    """

    @property
    def name(self) -> str:
        """Under which name the journal keeps its image. Another fold, or an image of another form, needs another."""
        ...

    def fold(self, events: Sequence[Recorded]) -> None:
        """Take in committed events, in their order, each once."""
        ...

    def image(self) -> bytes:
        """All that it has taken in so far, for `restore`; kept small, since it is written every few thousand events."""
        ...

    def restore(self, image: bytes) -> None:
        """Replace the fold's state with an image.

        Raises:
            Exception: the image cannot be read, or is not its own: it will get all events instead.
        """
        ...


class Past(Protocol):
    """What is recorded, for reading. Positions rise; they may have gaps."""

    def snapshots(self) -> Mapping[str, Snapshot]:
        """The newest image of each part of the state."""
        ...

    def read(self, after: int = 0) -> Iterator[Recorded]:
        """The events behind a position, oldest first."""
        ...


class Journal(Past, Protocol):
    """The durable record. One writer."""

    async def commit(self, items: Sequence[Item], snapshots: Mapping[str, bytes]) -> CommitResults:
        """Commit a batch of independent items, durably, and answer for each. One that cannot be encoded takes no
        other with it.

        `snapshots` are images of the state as it was *before* this batch, and are written with it.

        Raises:
            JournalUnavailable: nothing was written; the same batch may be tried again.
        """
        ...

    def head(self) -> int:
        """The position of the newest event, 0 when there is none."""
        ...

    def open(self) -> Iterator[SignalHistory]:
        """The signals that are not done, oldest first."""
        ...

    def history(self, number: int) -> SignalHistory:
        """One signal with its whole life.

        Raises:
            KeyError: there is no such signal.
        """
        ...

    def history_of_order(self, order_id: str) -> SignalHistory | None:
        """The signal that has an order of this id, ours or the venue's; None where none has."""
        ...

    def received_since(self, at_ns: int) -> Iterator[SignalHistory]:
        """The signals received at a moment or later, newest first, each with its whole life."""
        ...

    def find(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The numbers of those of the signals that are known."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class JournalReader(Past, Protocol):
    """A journal opened for reading, also while a pipeline writes it. An id is the hash that names a signal; a number
    is its place in the journal."""

    def mode(self) -> str:
        """What it is a journal of: paper, live, replay."""
        ...

    def head(self) -> int:
        """The position of the newest event, 0 when there is none."""
        ...

    def events(self, after: int = 0) -> Iterator[dict[str, int | str]]:
        """The events behind a position as plain rows, oldest first, for pandas, polars or csv.

        Each has `position`, `number` and `signal_id` (0 and empty for events of the pipeline), `at` in ISO 8601 to the
        nanosecond, `kind`, and `body` as JSON text, since it differs by kind. Memory: one commit at a time.
        """
        ...

    def open(self) -> Iterator[SignalHistory]:
        """The signals that are not done, oldest first. Memory: one at a time."""
        ...

    def histories(self) -> Iterator[SignalHistory]:
        """Every signal with all its events, oldest first. Memory: one at a time."""
        ...

    def received_since(self, at_ns: int) -> Iterator[SignalHistory]:
        """The signals received at a moment or later, newest first. Memory: one at a time."""
        ...

    def history(self, number: int) -> SignalHistory:
        """One signal with all its events.

        Raises:
            KeyError: there is no such signal.
        """
        ...

    def find_histories(self, name: str) -> Sequence[SignalHistory]:
        """The signals that go by a name: a signal's id or the first six letters of it or more, a key, or an order's
        id, ours or the venue's. Several where senders share a key. Memory: what is found.

        Raises:
            SignalNotFound: nothing goes by it, or several ids begin with it; the message names them.
        """
        ...

    def ids_from(self, prefix: str, most: int) -> Sequence[str]:
        """The ids of signals that begin with `prefix`, in hex, `most` of them at most."""
        ...

    def find(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The numbers of those of the signals that are known, by id."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class UnknownOrderPolicy(Struct, frozen=True, kw_only=True, gc=False):
    """How a venue lets us decide whether an unknown order exists.

    For `window_s` after the send ended the order may still arrive or be hidden. Where `absence_is_proof`, a lookup that
    begins after that and finds nothing proves that it was not placed: requests expire at this venue, and its lookup is
    verified. Elsewhere a person has to decide.
    """

    window_s: float
    absence_is_proof: bool


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
        """Send orders, each once, and return the answer to each. Never raises for what a venue may do."""
        ...

    @property
    def unknown_order_policy(self) -> UnknownOrderPolicy:
        """When and whether "not found" is proof here."""
        ...

    async def find_order(self, request: OrderRequest) -> LookupResult:
        """Look an order up that was or may have been sent, in every way that is declared, however old it is: what is
        found has all its trades, as far as they could be read. Never raises for what a venue may do."""
        ...

    async def orders_since(self, since_ns: int) -> Listing:
        """The orders that are open, and those that were made since a moment, each with its trades.

        An order that was made before and ended since need not be among them: `find_order` finds it. A read that
        fails is retried; what still cannot be read is named in the listing, and costs nothing else of it.

        Raises:
            VenueUnavailable: the venue answered none of it.
        """
        ...

    async def balances(self) -> Mapping[str, Decimal]:
        """What there is of each currency in all, what orders hold included.

        Raises:
            VenueUnavailable: the venue did not answer.
        """
        ...

    def listen(self, on_update: Callable[[OrderUpdate], None]) -> None:
        """Pass updates of acknowledged orders to `on_update`."""
        ...
