"""An account on a real exchange, through ccxt. ccxt's words end here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tidegate.clock import Clock
from tidegate.domain.errors import SettingsError, VenueUnavailable
from tidegate.domain.market import MarketRules
from tidegate.domain.order import Acknowledged, Answer, Listing, LookupResult, OrderRequest, OrderStatus, OrderUpdate
from tidegate.domain.ports import UnknownOrderPolicy
from tidegate.venues.ccxt.answers import Reading
from tidegate.venues.ccxt.balances import read_balances
from tidegate.venues.ccxt.connection import VenueConnection
from tidegate.venues.ccxt.finding import OrderFinder
from tidegate.venues.ccxt.following import OrderFollower
from tidegate.venues.ccxt.listing import AccountListing, may_be_ours
from tidegate.venues.ccxt.orders import OrderListings
from tidegate.venues.ccxt.parsing import decimal_of, rules_of
from tidegate.venues.ccxt.quirks import Carrier
from tidegate.venues.ccxt.reads import Reads, bounded
from tidegate.venues.ccxt.sending import OrderSender
from tidegate.venues.ccxt.user_stream import UserStream

__all__ = ["CcxtVenue"]

_ENGINE_S = 10.0
_SETTLE_AT_LEAST_S = 60.0
_RELOADED_EVERY_NS = 300_000_000_000


class CcxtVenue:
    """Sends orders, each once, and tells what came of each; looks orders up; lists them.

    Satisfies `tidegate.domain.ports.Venue`. `pace` is how fast it takes orders. `symbols` are those that are
    traded. A send that takes longer than ccxt's timeout and 5 s more is given up, and its placement is unconfirmed. An
    order that was acknowledged and is not over is followed for half a minute, since venues report trades late; after
    that reconciliation does it, and the user stream, where there is one, for as long as the order is open. Memory: the
    markets, and the orders that are followed.

    Raises:
        SettingsError: `settle_s` is shorter than a request may stay valid.
    """

    def __init__(
        self,
        trader: str,
        connection: VenueConnection,
        symbols: Sequence[str],
        *,
        clock: Clock,
        settle_s: float | None = None,
        park: bool = False,
        stream: UserStream | None = None,
    ) -> None:
        self.trader, self.batch_max = trader, 1
        self.pace = connection.pace
        self._connection, self.exchange, self._quirks = connection, connection.exchange, connection.quirks
        self._symbols, self._clock = symbols, clock
        self._rules: dict[str, MarketRules] = {}
        self._finder = OrderFinder(connection, clock=clock)
        self._sender = OrderSender(connection, self._finder, clock=clock, rules=self.rules, refresh=self._refresh)
        self._listing = AccountListing(connection, symbols, clock=clock)
        self._stream = stream
        self._follower = OrderFollower(
            trader,
            clock=clock,
            open_orders=self._open_orders,
            recent_orders=self._recent_orders,
            find=self.find_order,
            stream=stream,
        )
        self._reloaded_ns: int | None = None
        self._reloading = asyncio.Lock()
        self.unknown_order_policy = self._unknown_order_policy(settle_s, park=park)

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
        if self._stream is not None:
            await self._stream.close()
        await self._connection.close()

    def rules(self, symbol: str) -> MarketRules | None:
        """What an order of `symbol` must fit; None where the venue does not trade it."""
        return self._rules.get(symbol)

    def listen(self, on_update: Callable[[OrderUpdate], None]) -> None:
        """Call `on_update` with what becomes of acknowledged orders; the user stream is listened to from now on."""
        self._follower.listen(on_update)

    async def create_orders(self, requests: Sequence[OrderRequest]) -> Sequence[Answer]:
        """Send orders, each once, and tell what came of each. Never raises for what a venue may do."""
        answers = []
        for request in requests:
            answer = await self._sender.send(request)
            if isinstance(answer, Acknowledged) and answer.status is OrderStatus.OPEN:
                self._follower.follow(request, answer.venue_order_id)
            answers.append(answer)
        return answers

    async def find_order(self, request: OrderRequest) -> LookupResult:
        """Look an order up in every way that is declared, however old it is: what is found has all its trades.

        "Not found" means that each of them was answered in the venue's form, and to its end.
        """
        return await self._finder.find(request)

    async def orders_since(self, since_ns: int) -> Listing:
        """The orders that are open, and those that were made since a moment, each with its trades.

        An order that is older and ended meanwhile is not listed: it is found by `find_order`.

        Raises:
            VenueUnavailable: the venue answered none of it.
        """
        listing = await self._listing.since(since_ns)
        ours = [order for order in listing.orders if may_be_ours(order.client_order_id)]
        self._follower.listed(ours, whole=not listing.missing)
        return listing

    async def balances(self) -> Mapping[str, Decimal]:
        """What there is of each currency in all, what orders hold included.

        Raises:
            VenueUnavailable: the venue did not tell, or did not tell all of it.
        """
        return await read_balances(Reads(self._connection, clock=self._clock), self.exchange)

    async def told(self, what: str, work: Awaitable[Any]) -> Any:
        """What the venue tells when it is asked for something that changes nothing there.

        Raises:
            VenueUnavailable: it does not answer as it should.
        """
        try:
            return await bounded(work, self._connection)
        except (SettingsError, VenueUnavailable):
            raise
        except Exception as error:
            raise VenueUnavailable(f"{what}: {self._connection.redacted(error)}") from None

    async def _refresh(self, reading: Reading) -> None:
        """Rules which a rejection shows to be out of date are read again, every five minutes at most.

        That this fails changes nothing about the order.
        """
        if not reading.about_rules:
            return
        async with self._reloading:  # whoever comes meanwhile waits for the same
            now_ns, read_ns = self._clock.now_ns(), self._reloaded_ns
            if read_ns is not None and now_ns - read_ns < _RELOADED_EVERY_NS:
                return
            try:
                markets = await bounded(self.exchange.fetch_markets(), self._connection)
            except Exception:
                return  # the next rejection shows it again
            self._reloaded_ns = now_ns
            self.exchange.set_markets(markets, self.exchange.currencies)
            self.take_rules()

    async def _open_orders(self, symbol: str) -> Mapping[str, Decimal]:
        pages = await OrderListings(self._connection, Reads(self._connection, clock=self._clock)).open(symbol)
        if pages.missing:
            raise VenueUnavailable(pages.missing)
        named = ((self._quirks.client_order_id(order.get("clientOrderId")), order) for order in pages.items)
        return {our_id: decimal_of(order.get("filled")) for our_id, order in named if our_id}

    async def _recent_orders(self, symbol: str, since_ns: int) -> Mapping[str, Acknowledged]:
        listing = await AccountListing(self._connection, [symbol], clock=self._clock).since(since_ns)
        return {
            order.client_order_id: Acknowledged(
                venue_order_id=order.venue_order_id, status=order.booked_as, fills=order.fills, filled=order.filled
            )
            for order in listing.orders
            if order.client_order_id
        }

    def take_rules(self) -> None:
        """Know the rules of the markets that are loaded."""
        mode, markets = self.exchange.precisionMode, self.exchange.markets
        self._rules = {symbol: rules_of(markets[symbol], mode) for symbol in self._symbols if symbol in markets}

    def _unknown_order_policy(self, settle_s: float | None, *, park: bool) -> UnknownOrderPolicy:
        connection, quirks = self._connection, self._quirks
        least_s = ((connection.fence_ms or 0) + connection.timeout_ms) / 1000
        if settle_s is not None and settle_s < least_s:
            raise SettingsError(
                f"execution.settle_s must be at least {least_s:g}, was {settle_s:g}: "
                f"so long may a request to {self.exchange.id} stay valid"
            )
        window_s = settle_s or max(least_s + _ENGINE_S + quirks.lag_s, _SETTLE_AT_LEAST_S)
        fenced = quirks.fence is not None and quirks.fence.carrier is Carrier.OPTION
        return UnknownOrderPolicy(window_s=window_s, absence_is_proof=fenced and quirks.lookup_proved and not park)
