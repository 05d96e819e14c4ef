"""An account on a real exchange, through ccxt. ccxt's words end here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.ccxt_address import PRIORITY, LeftAlone, Priority, asked_as
from adapters.ccxt_answers import Reading, Taken, read_failure, read_reply, says_not_found
from adapters.ccxt_calls import Call, recorded
from adapters.ccxt_connection import Connection
from adapters.ccxt_following import OrderFollower
from adapters.ccxt_lookups import Lookup, Source
from adapters.ccxt_meaning import Meaning
from adapters.ccxt_parsing import decimal_of, fills_of, rules_of
from adapters.ccxt_quirks import Carrier
from clock import Clock
from domain.errors import SettingsError, VenueUnavailable
from domain.market import MarketRules
from domain.order import (
    Acknowledged,
    Answer,
    Evidence,
    Finding,
    Listing,
    NotFound,
    NotPlaced,
    OrderRequest,
    OrderStatus,
    OrderUpdate,
    Unanswered,
    VenueOrder,
)
from domain.ports import Settlement
from domain.reasons import Reason
from domain.signal import OrderType, Side

__all__ = ["CcxtVenue"]

_ENGINE_S = 10.0
_SETTLE_AT_LEAST_S = 60.0
_HANGS_S = 5.0
_TURN_S = 10.0
_PAGE = 50
_RELOADED_EVERY_NS = 300_000_000_000
_SIFTED_NS = 3_600_000_000_000
_SAID_MAX = 300


class CcxtVenue:
    """Sends orders, each once, and tells what came of each; looks orders up; lists them.

    Satisfies `domain.ports.Venue`. `pace` is how fast it takes orders. `symbols` are those that are traded. A send that
    takes longer than ccxt's timeout and 5 s more is given up, and nobody knows what became of it. An order that was
    acknowledged and is not over is asked after for half a minute, since venues tell of trades late; after that
    reconciliation does. Memory: the markets, and the orders that are asked after.

    Raises:
        SettingsError: `settle_s` is shorter than a request may stay valid.
    """

    def __init__(
        self,
        trader: str,
        connection: Connection,
        symbols: Sequence[str],
        *,
        clock: Clock,
        settle_s: float | None = None,
        park: bool = False,
    ) -> None:
        self.trader, self.batch_max = trader, 1
        self.pace = connection.pace
        self._connection, self.exchange, self._quirks = connection, connection.exchange, connection.quirks
        self._symbols, self._clock = symbols, clock
        self._rules: dict[str, MarketRules] = {}
        self._follower = OrderFollower(trader, clock=clock, open_orders=self._open_orders, find=self.find_order)
        self._reloaded_ns: int | None = None
        self._reloading = asyncio.Lock()
        self.settlement = self._settlement(settle_s, park=park)

    async def open(self) -> float:
        """Load the rules of the markets, before the first order; gives by how many ms the venue's clock is ahead.

        Raises:
            SettingsError: a symbol is not traded there.
            VenueUnavailable: the venue does not answer as it should.
        """
        await self.told("open", self._connection.open())
        unknown = [symbol for symbol in self._symbols if symbol not in self.exchange.markets]
        if unknown:
            raise SettingsError(f"symbols: {', '.join(unknown)} is not traded on {self.exchange.id}")
        self.take_rules()
        return await self._connection.measure_clock()

    async def close(self) -> None:
        """End its connections."""
        await self._connection.close()

    def rules(self, symbol: str) -> MarketRules | None:
        """What an order of `symbol` must fit; None where the venue does not trade it."""
        return self._rules.get(symbol)

    def listen(self, heard: Callable[[OrderUpdate], None]) -> None:
        """Tell `heard` what becomes of acknowledged orders."""
        self._follower.listen(heard)

    async def create_orders(self, requests: Sequence[OrderRequest]) -> Sequence[Answer]:
        """Send orders, each once, and tell what came of each. Never raises for what a venue may do."""
        return [await self._create(request) for request in requests]

    async def find_order(self, request: OrderRequest) -> Finding:
        """Look an order up in every way that is declared; what is found carries our id, or it is not it."""
        lookups, asked_ns = self._quirks.lookups, self._clock.wall_ns()
        for lookup in lookups:
            with recorded() as call, asked_as(max(Priority.LOOKUP, PRIORITY.get())):
                try:
                    order = await self._bounded(self._look_up(lookup, request, call))
                    if order is not None:
                        return await self._found(order, request, asked_ns)
                except Exception as error:
                    said = self._connection.redacted(error)
                    seen = self._evidence(lookup.source, asked_ns, said, "no answer")
                    return Unanswered(detail=f"{lookup.source}: {said}", evidence=seen)
        ways = ", ".join(lookup.source for lookup in lookups) or "no lookup is declared"
        seen = self._evidence(ways, asked_ns, "", "not found")
        return NotFound(detail=f"not among {ways}", evidence=seen)

    async def orders_since(self, since_ns: int) -> Listing:
        """The orders that are open, and those that were made since a moment, each with its trades."""
        since_ms = since_ns // 1_000_000
        found: list[VenueOrder] = []
        for symbol in self._symbols:
            listed = {}
            for orders in (
                await self.told("closed orders", self._recent(symbol, since_ms)),
                await self.told("open orders", self.exchange.fetch_open_orders(symbol)),
            ):
                listed.update({str(order["id"]): order for order in orders})
            trades = await self.told("trades", self.exchange.fetch_my_trades(symbol, since_ms))
            found += [self._venue_order(order, trades) for order in listed.values()]
        return Listing(orders=found)

    async def balances(self) -> Mapping[str, Decimal]:
        """What there is of each currency in all, what orders hold included."""
        told = await self.told("balances", self.exchange.fetch_balance())
        return {currency: decimal_of(total) for currency, total in told["total"].items()}

    async def told(self, what: str, work: Awaitable[Any]) -> Any:
        """What the venue tells when it is asked for something that changes nothing there.

        Raises:
            VenueUnavailable: it does not answer as it should.
        """
        try:
            return await self._bounded(work)
        except (SettingsError, VenueUnavailable):
            raise
        except Exception as error:
            raise VenueUnavailable(f"{what}: {self._connection.redacted(error)}") from None

    async def _create(self, request: OrderRequest) -> Answer:
        market = request.order_type is OrderType.MARKET
        if market and request.side is Side.BUY and not self._quirks.market_buys:
            detail = f"{self.exchange.id} takes no amount to buy at the market: let pricing.order_type be limit"
            return NotPlaced(reason=Reason.REJECTED, detail=detail, final=True)
        asked_ns = self._clock.wall_ns()
        with recorded() as call, asked_as(Priority.ORDER):
            try:
                order = await self._bounded(
                    self.exchange.create_order(
                        request.symbol,
                        request.order_type.value,
                        request.side.value,
                        format(request.amount, "f"),
                        None if market or request.price is None else format(request.price, "f"),
                        dict(self._connection.order_params(request.client_order_id)),
                    )
                )
                reading = read_reply(order, self._quirks, self._connection.secrets)
            except LeftAlone as error:
                return NotPlaced(reason=error.reason, detail=str(error), final=False, retry_after_s=error.for_s)
            except Exception as error:
                reading = self._failure(error, call)
        if isinstance(reading, Reading):
            return await self._not_taken(reading, request, asked_ns)
        answer = self._acknowledged(reading, order, order.get("trades") or (), asked_ns)
        if answer.status is OrderStatus.OPEN:
            self._follower.follow(request)
        return answer

    def _failure(self, error: Exception, call: Call) -> Reading:
        return read_failure(
            error,
            self._quirks,
            sent=call.sent,
            headers=call.headers,
            now_ms=time.time_ns() // 1_000_000,
            status=call.status,
            body=call.body,
            secrets=self._connection.secrets,
        )

    async def _not_taken(self, reading: Reading, request: OrderRequest, asked_ns: int) -> Answer:
        meaning, reason = reading.meaning, reading.reason
        rule = f"{meaning}" if reading.code is None else f"{meaning}, by code {reading.code}"
        seen = self._evidence("create order", asked_ns, reading.detail, rule)
        if meaning is Meaning.EXISTS:
            finding = await self.find_order(request)
            return finding if isinstance(finding, Acknowledged) else Unanswered(detail=reading.detail, evidence=seen)
        if meaning is Meaning.UNKNOWN:
            return Unanswered(detail=reading.detail, evidence=seen)
        await self._mend(reading)
        return NotPlaced(
            reason=reason,
            detail=reading.detail,
            final=meaning is Meaning.REJECTED and reason is Reason.REJECTED,
            retry_after_s=reading.retry_after_s,
            address_wide=reading.address_wide,
            evidence=seen,
        )

    async def _mend(self, reading: Reading) -> None:
        """Rules which a rejection shows to be out of date are read anew, every five minutes at most.

        That this fails changes nothing about the order.
        """
        if not reading.about_rules:
            return
        async with self._reloading:  # whoever comes meanwhile waits for the same
            now_ns, read_ns = self._clock.now_ns(), self._reloaded_ns
            if read_ns is not None and now_ns - read_ns < _RELOADED_EVERY_NS:
                return
            try:
                markets = await self._bounded(self.exchange.fetch_markets())
            except Exception:
                return  # the next rejection shows it again
            self._reloaded_ns = now_ns
            self.exchange.set_markets(markets, self.exchange.currencies)
            self.take_rules()

    async def _look_up(self, lookup: Lookup, request: OrderRequest, call: Call) -> Any | None:
        venue_id = self._quirks.venue_id(request.client_order_id)
        since_ms = (self._clock.wall_ns() - _SIFTED_NS) // 1_000_000
        asked = lookup.call(venue_id, request.symbol, since_ms)
        try:
            found = await getattr(self.exchange, asked.method)(*asked.arguments, params=dict(asked.params))
        except Exception as error:
            if lookup.source is Source.ORDER and says_not_found(error, self._quirks, call.body):
                return None
            raise
        orders = found if isinstance(found, list) else [found]
        return next((o for o in orders if o.get("id") and self._our_id(o) == request.client_order_id), None)

    async def _found(self, order: Any, request: OrderRequest, asked_ns: int) -> Acknowledged:
        trades = await self._bounded(self.exchange.fetch_my_trades(request.symbol, order.get("timestamp")))
        reading = read_reply(order, self._quirks, self._connection.secrets)
        if not isinstance(reading, Taken):
            raise VenueUnavailable(reading.detail)
        return self._acknowledged(reading, order, trades, asked_ns)

    def _acknowledged(self, taken: Taken, order: Any, trades: Sequence[Any], asked_ns: int) -> Acknowledged:
        """An order is over only once the trades that we know of add up to what was filled."""
        mine = fills_of([trade for trade in trades if str(trade.get("order") or order["id"]) == taken.venue_order_id])
        complete = taken.filled is not None and sum(fill.amount for fill in mine) >= taken.filled
        said = f"{order.get('status')}, filled {order.get('filled')}, as {taken.venue_order_id}"
        return Acknowledged(
            venue_order_id=taken.venue_order_id,
            status=taken.status if complete else OrderStatus.OPEN,
            fills=mine,
            evidence=self._evidence("create order", asked_ns, said, "acknowledged"),
        )

    async def _open_orders(self, symbol: str) -> Mapping[str, Decimal]:
        orders = await self.told("open orders", self.exchange.fetch_open_orders(symbol, None, _PAGE))
        return {our_id: decimal_of(order.get("filled")) for order in orders if (our_id := self._our_id(order))}

    async def _recent(self, symbol: str, since_ms: int) -> Sequence[Any]:
        has = self.exchange.has
        for method, able in (
            ("fetch_canceled_and_closed_orders", "fetchCanceledAndClosedOrders"),
            ("fetch_orders", "fetchOrders"),
            ("fetch_closed_orders", "fetchClosedOrders"),
        ):
            if has.get(able) is True:
                orders: Sequence[Any] = await getattr(self.exchange, method)(symbol, since_ms)
                return orders
        return ()

    def _venue_order(self, order: Any, trades: Sequence[Any]) -> VenueOrder:
        taken = read_reply(order, self._quirks)
        status = taken.status if isinstance(taken, Taken) else OrderStatus.OPEN
        return VenueOrder(
            venue_order_id=str(order["id"]),
            client_order_id=self._our_id(order),
            symbol=order["symbol"],
            side=Side(order["side"]),
            amount=decimal_of(order.get("amount")),
            price=decimal_of(order["price"]) if order.get("price") else None,
            status=status,
            filled=decimal_of(order.get("filled")),
            at_ns=int(order.get("timestamp") or 0) * 1_000_000,
            fills=fills_of([trade for trade in trades if str(trade.get("order")) == str(order["id"])]),
        )

    def _our_id(self, order: Any) -> str | None:
        return self._quirks.client_order_id(order.get("clientOrderId"))

    async def _bounded(self, work: Awaitable[Any]) -> Any:
        """ccxt's own timeout does not cover a connection that went silent, nor a read's wait for its turn."""
        turn_s = 0.0 if PRIORITY.get() is Priority.ORDER else _TURN_S
        async with asyncio.timeout(turn_s + self._connection.timeout_ms / 1000 + _HANGS_S):
            return await work

    def _evidence(self, asked: str, asked_ns: int, answer: str, meaning: str) -> Evidence:
        return Evidence(
            asked=asked,
            asked_at_ns=asked_ns,
            answered_at_ns=self._clock.wall_ns(),
            answer=answer[:_SAID_MAX],
            meaning=meaning,
        )

    def take_rules(self) -> None:
        """Know the rules of the markets that are loaded."""
        mode, markets = self.exchange.precisionMode, self.exchange.markets
        self._rules = {symbol: rules_of(markets[symbol], mode) for symbol in self._symbols if symbol in markets}

    def _settlement(self, settle_s: float | None, *, park: bool) -> Settlement:
        connection, quirks = self._connection, self._quirks
        least_s = ((connection.fence_ms or 0) + connection.timeout_ms) / 1000
        if settle_s is not None and settle_s < least_s:
            raise SettingsError(
                f"execution.settle_s must be at least {least_s:g}, was {settle_s:g}: "
                f"so long may a request to {self.exchange.id} stay valid"
            )
        window_s = settle_s or max(least_s + _ENGINE_S + quirks.lag_s, _SETTLE_AT_LEAST_S)
        fenced = quirks.fence is not None and quirks.fence.carrier is Carrier.OPTION
        return Settlement(window_s=window_s, proves=fenced and quirks.lookup_proved and not park)
