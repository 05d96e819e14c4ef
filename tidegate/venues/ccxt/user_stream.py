"""What a venue's websocket says of an account's orders: a hint to ask for them now, never a fact."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from msgspec import Struct

from tidegate.clock import Clock
from tidegate.domain.errors import VenueUnavailable
from tidegate.venues.ccxt.address import PRIORITY, Priority
from tidegate.venues.ccxt.connection import VenueConnection
from tidegate.venues.ccxt.parsing import decimal_of
from tidegate.venues.ccxt.redaction import redact
from tidegate.venues.ccxt.troubles import Troubles
from tidegate.venues.ccxt.websocket import Websocket

__all__ = ["Hint", "UserStream"]

_CLOSED_WITHIN_S = 10.0
_SUBSCRIBED_WITHIN_NS = 5_000_000_000


class Hint(Struct, frozen=True, kw_only=True, gc=False):
    """What the stream claims of an order. `filled` is None where it does not say, or makes no sense."""

    client_order_id: str | None
    venue_order_id: str | None
    is_open: bool
    filled: Decimal | None


class UserStream:
    """The websocket on which a venue reports what happens to the orders of one account, over a connection of its own.

    Nothing is asked before `start`. Whatever fails, raises, hangs or is closed there is reported through `fault`, the
    first of a row of like failures; the next connection is tried after 1 s, doubling to 60 s. Memory: what ccxt keeps,
    the latest 1000 orders.
    """

    def __init__(
        self,
        trader: str,
        connection: VenueConnection,
        trading: VenueConnection,
        *,
        clock: Clock,
        fault: Callable[[str, Exception], None],
    ) -> None:
        self._where = f"user stream of {trader}"
        self._connection, self._exchange, self._trading = connection, connection.exchange, trading.exchange
        self._clock = clock
        words = partial(redact, secrets=connection.secrets)
        troubles = Troubles(connection.quirks, clock=clock, fault=fault, redact=words)
        self._websocket = Websocket(
            self._exchange.close_ws_clients, troubles, clock=clock, timeout_s=_CLOSED_WITHIN_S, silent_after_s=None
        )
        self._on_hint: Callable[[Hint], None] = lambda _: None
        self._on_lost: Callable[[], None] = lambda: None
        self._stop: Callable[[], None] | None = None
        self._since_ns: int | None = None  # since when it has been listening; None while it is not
        self._giving_up: asyncio.Timeout | None = None
        self.is_healthy = False
        _guard(self._exchange)

    def start(self, on_hint: Callable[[Hint], None], on_lost: Callable[[], None]) -> None:
        """Listen from now on. `on_lost` is called whenever something may have been missed."""
        if self._stop is None:
            self._on_hint, self._on_lost = on_hint, on_lost
            self._stop = self._clock.run(self._run, name=self._where)

    @property
    def is_subscribed(self) -> bool:
        """Whether it should report every order that is acknowledged now."""
        if self._since_ns is None:
            return False
        return self.is_healthy or self._clock.now_ns() - self._since_ns >= _SUBSCRIBED_WITHIN_NS

    def give_up(self) -> None:
        """Close the connection and open another one: it did not mention an order that the venue acknowledged."""
        if self._giving_up is not None and not self._giving_up.expired():
            self._giving_up.reschedule(self._clock.loop.time())

    async def close(self) -> None:
        """Stop listening, and give back sockets."""
        if self._stop is not None:
            self._stop()
        await self._connection.close()

    async def _run(self) -> None:
        PRIORITY.set(Priority.FOLLOW)  # of this task alone
        await self._websocket.listen(self._where, self._watch, self._take, self._lost, alone=True)

    async def _watch(self) -> Any:
        if self._since_ns is None:
            self._take_over()
            self._since_ns = self._clock.now_ns()
        try:
            async with asyncio.timeout(None) as self._giving_up:
                return await self._exchange.watch_orders()
        except TimeoutError as error:
            if self._giving_up is None or not self._giving_up.expired():
                raise
            raise VenueUnavailable("it did not mention an order that the venue acknowledged") from error
        finally:
            self._giving_up = None

    def _take_over(self) -> None:
        """Know the markets, and what was measured and asked of the account: nothing of that is asked again."""
        self._exchange.set_markets_from_exchange(self._trading)
        known = {name: value for name, value in self._trading.options.items() if not isinstance(value, dict | list)}
        self._exchange.options.update(known)

    def _take(self, orders: Any) -> None:
        for hint in _hints(orders, self._connection.quirks.client_order_id):
            self.is_healthy = True
            self._on_hint(hint)

    def _lost(self) -> None:
        self.is_healthy, self._since_ns = False, None
        self._on_lost()


def _guard(exchange: Any) -> None:
    """Let a message that ccxt cannot read fail the connection: by itself it would go on without reading any more."""
    handle = exchange.handle_message

    def guarded(client: Any, message: Any) -> None:
        try:
            handle(client, message)
        except Exception as error:
            client.reset(error)

    exchange.handle_message = guarded


def _hints(orders: Any, ours: Callable[[str | None], str | None]) -> Iterable[Hint]:
    for order in orders:
        if not isinstance(order, Mapping):
            continue
        client_order_id, venue_order_id = order.get("clientOrderId"), order.get("id")
        yield Hint(
            client_order_id=ours(client_order_id) if isinstance(client_order_id, str) else None,
            venue_order_id=venue_order_id if isinstance(venue_order_id, str) else None,
            is_open=order.get("status") in (None, "open"),
            filled=_amount(order.get("filled")),
        )


def _amount(number: object) -> Decimal | None:
    try:
        amount = None if number is None else decimal_of(number)
    except ArithmeticError:
        return None
    return amount if amount is not None and amount.is_finite() else None
