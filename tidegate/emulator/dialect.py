"""How an exchange speaks: its routes, its signatures, its errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from tidegate.emulator.account import ExchangeAccount
from tidegate.emulator.faults import Operation
from tidegate.emulator.listing import ListedSymbols
from tidegate.emulator.orders import ExchangeOrder, Fate, NewOrder, Trade
from tidegate.emulator.refusal import VenueRejection
from tidegate.emulator.wire import Reply, Request

__all__ = ["Claim", "Dialect", "DialectCall", "Message", "Route", "StreamDialect"]

Message: TypeAlias = Mapping[str, Any]


class DialectCall(Struct):
    """One request, understood: its parameters, who sent it, and the fate of an order in it."""

    params: Mapping[str, str]
    listings: ListedSymbols
    account: ExchangeAccount
    now_ms: int
    limits: Sequence[Mapping[str, object]] = ()
    lag_ms: int = 0
    fate: Fate = Fate.TAKEN
    bare: bool = False

    def create(self, asked: NewOrder) -> ExchangeOrder | VenueRejection:
        """Hand the order in it to the ledger."""
        return self.account.ledger.create(asked, self.now_ms, lag_ms=self.lag_ms, fate=self.fate)


class Route(Struct, frozen=True):
    """What answers a request, what it is for, and whether it must be signed."""

    operation: Callable[[Mapping[str, str]], Operation]
    respond: Callable[[DialectCall], Reply | VenueRejection]
    signed: bool = True


class Claim(Struct, frozen=True, gc=False):
    """What a signed request says of itself: for whom, when, how long it is valid, and what was signed, how."""

    api_key: str
    timestamp_ms: int
    window_ms: int
    signed: bytes
    signature: str


class StreamDialect(Protocol):
    """One exchange's manner of speaking on its user stream. Messages are objects of JSON."""

    @property
    def path(self) -> str:
        """Where it is."""

    def login(self, message: Message) -> Claim | VenueRejection | None:
        """Who logs in; None where it is another message."""

    def welcome(self, message: Message) -> Message:
        """The answer to a login that succeeded."""

    def refuse(self, message: Message, refusal: VenueRejection, now_ms: int) -> Message:
        """The answer to one that did not."""

    def subscribes(self, message: Message) -> bool:
        """Whether it asks to be sent what happens to orders."""

    def answer(self, message: Message) -> Message | None:
        """The answer to any other message, if there is one."""

    def event(self, order: ExchangeOrder, trade: Trade | None, now_ms: int) -> Message:
        """That an order changed, by a trade or otherwise."""


class Dialect(Protocol):
    """One exchange's manner of speaking."""

    @property
    def routes(self) -> Mapping[tuple[str, str], Route]:
        """What can be asked for, by method and path."""

    @property
    def stream(self) -> StreamDialect:
        """How its user stream speaks."""

    def read(self, request: Request) -> Mapping[str, str]:
        """The request's parameters, decoded."""

    def claim(self, request: Request, params: Mapping[str, str]) -> Claim | VenueRejection:
        """Who signed the request, and when."""

    def order_of(self, params: Mapping[str, str]) -> tuple[str | None, str | None]:
        """The exchange's name of the symbol and the client order id that the request speaks of."""

    def refuse(self, refusal: VenueRejection, *, now_ms: int, until_ms: int, status: int | None = None) -> Reply:
        """The exchange's words for a refusal, which may hold until a moment."""
