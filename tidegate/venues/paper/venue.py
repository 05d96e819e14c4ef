"""A venue on paper: an exchange's rules and arithmetic, without its money."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from copy import copy
from decimal import Decimal

from streams.closes import Closes
from tidegate.domain.account import Account, OpenOrder
from tidegate.domain.market import Candle, MarketRules, Quote
from tidegate.domain.order import (
    Acknowledged,
    Answer,
    Listing,
    LookupResult,
    NotFound,
    OrderRequest,
    OrderStatus,
    OrderUpdate,
    VenueOrder,
)
from tidegate.domain.ports import UnknownOrderPolicy
from tidegate.domain.signal import Side
from tidegate.venues.paper.book_side import BookSide, Change
from tidegate.venues.paper.funds import Funds
from tidegate.venues.paper.rejection import DUPLICATE, UNKNOWN_SYMBOL, reject

__all__ = ["PaperVenue"]

_BUY, _SELL = Side.BUY, Side.SELL
_AT_ONCE = UnknownOrderPolicy(window_s=0, absence_is_proof=True)


class PaperVenue:
    """Takes orders and fills them from market news, as an exchange would: deterministic, and without a store.

    The money is that of `account`, which is folded from the journal: it sets the capital of an order aside before the
    order is sent, and books its trades once they are recorded. The venue only reads it, and keeps its open orders.
    `orders` names those that were acknowledged before: whatever else `account` has set aside never reached the venue.

    An order that reaches the best opposite price fills at once at that price, with the taker's fee, as far as the depth
    of the newest quote lasts. The rest stays open. At later quotes the rest of a market order continues at the best
    price, with the taker's fee; a limit order fills at its own price, with the maker's fee, when a quote reaches it, or
    when a candle that opened after it came trades through it, up to `participation` times the candle's volume. A market
    order that its account can no longer pay for expires.

    Fees are in the quote currency. Trade ids are `{client_order_id}-{n}`, venue order ids `p{client_order_id}`.
    Memory: open orders and symbols.

    Raises:
        ValueError: `participation` is not within 0 to 1.
    """

    def __init__(
        self,
        trader: str,
        account: Account,
        rules: Callable[[str], MarketRules | None],
        *,
        orders: Collection[str] = (),
        batch_max: int = 1024,
        participation: Decimal,
    ) -> None:
        if not 0 <= participation <= 1:
            raise ValueError(f"participation must be within 0 to 1, was {participation}")
        self.trader = trader
        self.batch_max = batch_max
        self._account = account
        self._rules = rules
        self._known: dict[str, MarketRules] = {}
        self._participation = participation
        self._orders: dict[str, OpenOrder] = {}
        self._funds = Funds(account)
        self._listeners: list[Callable[[OrderUpdate], None]] = []
        self._buys: dict[str, BookSide] = {}
        self._sells: dict[str, BookSide] = {}
        self._priced: set[str] = set()
        self._unseen: dict[str, tuple[Closes, Candle]] = {}
        self._now_ns = 0
        for order_id, order in account.orders.items():
            if order_id in orders:
                self._book_side(order.symbol, order.side).enqueue(order_id, copy(order), self._now_ns)

    def rules(self, symbol: str) -> MarketRules | None:
        """What an order of `symbol` must fit, once known for good; None where it is not traded, or was never priced."""
        found = self._known.get(symbol) or self._rules(symbol)
        if found is not None:
            self._known[symbol] = found
        return found

    def listen(self, on_update: Callable[[OrderUpdate], None]) -> None:
        """Pass order updates to `on_update`, once each piece of market news is processed."""
        self._listeners.append(on_update)

    async def create_orders(self, requests: Sequence[OrderRequest]) -> list[Answer]:
        """Take or reject each order, in turn, with what it fills at once."""
        return self._take(requests)

    @property
    def unknown_order_policy(self) -> UnknownOrderPolicy:
        """There is no way to it on which anything could be late."""
        return _AT_ONCE

    async def find_order(self, request: OrderRequest) -> LookupResult:
        """Tell whether the order is open here. One that is over was answered when it was sent, and is not found."""
        order_id = request.client_order_id
        if order_id in self._orders:
            return Acknowledged(venue_order_id=f"p{order_id}", status=OrderStatus.OPEN)
        return NotFound(detail="the paper venue never saw it")

    async def orders_since(self, since_ns: int) -> Listing:  # noqa: ARG002 - it remembers no others
        """The open orders. Updates of the others were passed on as they happened."""
        orders = [
            VenueOrder(
                venue_order_id=f"p{order_id}",
                client_order_id=order_id,
                symbol=order.symbol,
                side=order.side,
                amount=order.amount,
                price=order.price,
                status=OrderStatus.OPEN,
                filled=order.filled,
                at_ns=self._now_ns,
            )
            for order_id, order in self._orders.items()
        ]
        return Listing(orders=orders)

    async def balances(self) -> dict[str, Decimal]:
        """What its account has of each currency, what orders hold included."""
        return {currency: balance.total for currency, balance in self._account.balances.items()}

    def on_news(self, chunk: Sequence[Candle | Quote]) -> None:
        """Take news in, as `on_candle` and `on_quote` do one by one. What closes where no order is open is looked at
        only when an order comes."""
        if type(chunk) is not Closes:
            for news in chunk:
                self.on_quote(news) if isinstance(news, Quote) else self.on_candle(news)
            return
        orders, priced, unseen = self._orders, self._priced, self._unseen
        for candle in chunk.candles:
            symbol = candle.symbol
            if symbol in priced and not (orders and self._has_open(symbol)):
                unseen[symbol] = chunk, candle
            else:
                self.on_candle(candle)
                self.on_quote(chunk.quote(candle))
        self._now_ns = chunk.at_ns

    def on_quote(self, quote: Quote) -> None:
        """Fill what the new best prices reach, as far as their depth lasts."""
        self._now_ns = quote.at_ns
        self._priced.add(quote.symbol)
        self._unseen.pop(quote.symbol, None)
        self._notify(self._quoted(quote), quote.at_ns)

    def on_candle(self, candle: Candle) -> None:
        """Fill what the candle traded through, as far as our part of its volume lasts; buying orders come first."""
        self._now_ns = max(self._now_ns, candle.closed_at_ns)
        buys, sells = self._book_side(candle.symbol, _BUY), self._book_side(candle.symbol, _SELL)
        if not buys and not sells:
            return
        rules = self.rules(candle.symbol)
        low, high, volume = (Decimal(str(number)) for number in (candle.low, candle.high, candle.volume))
        left = self._participation * volume
        bought, left = buys.trade_through(low, left, candle.opened_at_ns, rules)
        sold, left = sells.trade_through(high, left, candle.opened_at_ns, rules)
        self._notify(bought + sold, candle.closed_at_ns)

    def create(self, request: OrderRequest) -> Answer:
        """Take or reject one order, with what it fills at once."""
        return self._take((request,))[0]

    def cancel(self, client_order_id: str) -> None:
        """Cancel an open order, as a venue may on its own, and pass that on; leave any other as it is."""
        order = self._orders.pop(client_order_id, None)
        if order is not None:
            self._book_side(order.symbol, order.side).withdraw(client_order_id)
            self._notify([(client_order_id, OrderStatus.CANCELED, (), order.filled)], self._now_ns)

    def _quoted(self, quote: Quote) -> list[Change]:
        symbol, depth, rules = quote.symbol, quote.depth, self.rules(quote.symbol)
        changes = self._book_side(symbol, _BUY).quote(quote.ask, depth, rules)
        return changes + self._book_side(symbol, _SELL).quote(quote.bid, depth, rules)

    def _has_open(self, symbol: str) -> bool:
        return bool(self._book_side(symbol, _BUY) or self._book_side(symbol, _SELL))

    def _take(self, requests: Sequence[OrderRequest]) -> list[Answer]:
        answers: list[Answer] = []
        known, buys, sells, orders = self._known, self._buys, self._sells, self._orders
        for request in requests:
            symbol, side = request.symbol, request.side
            rules = known.get(symbol) or self.rules(symbol)
            if rules is None:
                answers.append(UNKNOWN_SYMBOL)
                continue
            if self._unseen and (unseen := self._unseen.pop(symbol, None)) is not None:
                closes, candle = unseen
                self._quoted(closes.quote(candle))  # no order is open there that it could fill
            book_side = (buys if side is _BUY else sells).get(symbol)
            if book_side is None:
                book_side = self._book_side(symbol, side)
            if request.client_order_id in orders:
                answers.append(DUPLICATE)
            else:
                rejection = reject(request, rules, book_side.best, self._funds)
                answers.append(rejection or book_side.take(request, rules, self._now_ns))
        return answers

    def _book_side(self, symbol: str, side: Side) -> BookSide:
        book_sides = self._buys if side is _BUY else self._sells
        book_side = book_sides.get(symbol)
        if book_side is None:
            book_side = book_sides[symbol] = BookSide(symbol, side, self._orders, self._funds)
        return book_side

    def _notify(self, changes: Iterable[Change], at_ns: int) -> None:
        for order_id, status, fills, filled in changes:
            update = OrderUpdate(
                trader=self.trader, client_order_id=order_id, at_ns=at_ns, status=status, fills=fills, filled=filled
            )
            for on_update in self._listeners:
                on_update(update)
