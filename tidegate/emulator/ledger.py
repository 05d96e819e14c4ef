"""The truth about an account at an exchange: every order there ever was, every trade, every balance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from tidegate.domain.signal import OrderType, Side
from tidegate.emulator.holdings import Holdings
from tidegate.emulator.listing import ListedSymbol, ListedSymbols
from tidegate.emulator.orders import ExchangeOrder, Fate, NewOrder, Status, Trade
from tidegate.emulator.refusal import VenueRejection

__all__ = ["VenueLedger"]

_HALF = Decimal("0.5")
_SMALLEST = Decimal("1E-8")


class VenueLedger:
    """Takes orders by an exchange's rules, without matching them: the script says what fills.

    A client order id must differ from those of *open* orders only, as on the exchanges played here; so the same id can
    belong to two orders, and `with_client_id` returns both. An empty id is none.

    Market orders, and limits that reach the best price, fill at once at that price with the taker's fee; other limits
    stay open until `fill`, `cancel`, or `reach`.

    `ids` numbers orders and trades; accounts of one exchange share it. `on_change` gets each order that was accepted or
    changed, as it is then, with the trade that changed it. Memory: every order and trade.
    """

    def __init__(
        self,
        listings: ListedSymbols,
        balances: Mapping[str, Decimal],
        ids: Iterator[int],
        on_change: Callable[[ExchangeOrder, Trade | None], None] = lambda _, __: None,
    ) -> None:
        self.listings = listings
        self.holdings = Holdings(balances)
        self.orders: dict[str, ExchangeOrder] = {}
        self.open: dict[str, ExchangeOrder] = {}
        self.trades: list[Trade] = []
        self._ids, self._on_change = ids, on_change
        self._by_client_id: dict[str, list[ExchangeOrder]] = {}
        self._open_client_ids: set[str] = set()

    def create(
        self, asked: NewOrder, now_ms: int, *, lag_ms: int = 0, fate: Fate = Fate.TAKEN
    ) -> ExchangeOrder | VenueRejection:
        """Take an order, or say why not. It shows `lag_ms` later. A dropped one is returned but never entered."""
        draft = self._draft(asked, now_ms, lag_ms)
        if isinstance(draft, VenueRejection) or fate is Fate.DROPPED:
            return draft
        self._enter(draft)
        self._on_change(draft, None)
        listing = self.listings[draft.symbol]
        best = listing.best(draft.side)
        if fate is Fate.PREVENTED:
            self._end(draft, Status.PREVENTED, now_ms)
            self._on_change(draft, None)
        elif fate is Fate.CUT:
            if half := listing.round_down(draft.amount * _HALF):
                self.fill(draft, now_ms, amount=half, price=best, is_maker=False)
            self.cancel(draft, now_ms)
        elif listing.reaches(draft.side, draft.price):
            self.fill(draft, now_ms, price=best, is_maker=False)
        elif draft.time_in_force != "GTC":
            self._end(draft, Status.EXPIRED, now_ms)
            self._on_change(draft, None)
        return draft

    def fill(
        self,
        order: ExchangeOrder,
        now_ms: int,
        *,
        amount: Decimal | None = None,
        price: Decimal | None = None,
        is_maker: bool = True,
    ) -> None:
        """Fill `amount` of an open order at `price`; by default all that remains, at its own price."""
        amount = order.remaining if amount is None else amount
        price = order.price if price is None else price
        if order.status is not Status.OPEN or not 0 < amount <= order.remaining:
            raise ValueError(f"amount must be within what remains of an open order, was {amount} of {order}")
        listing, fee = self.listings[order.symbol], self.listings.maker_fee if is_maker else self.listings.taker_fee
        cost = amount * price
        order.filled += amount
        order.cost += cost
        order.updated_at_ms = now_ms
        if order.side is Side.BUY:
            fee, fee_currency = amount * fee, listing.base
            self.holdings.unlock(listing.quote, amount * order.price - cost)
            self.holdings.exchange(listing.quote, cost, listing.base, amount)
        else:
            fee, fee_currency = cost * fee, listing.quote
            self.holdings.exchange(listing.base, amount, listing.quote, cost)
        if (coin := self.listings.fee_coin) is not None:
            fee = (fee if order.side is Side.SELL else fee * price) / self.listings.fee_coin_price
            fee, fee_currency = fee.quantize(_SMALLEST), coin
        self.holdings.free[fee_currency] -= fee
        trade = Trade(
            trade_id=str(next(self._ids)),
            venue_order_id=order.venue_order_id,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            amount=amount,
            price=price,
            fee=fee,
            fee_currency=fee_currency,
            is_maker=is_maker,
            at_ms=now_ms,
        )
        order.trades.append(trade)
        self.trades.append(trade)
        if not order.remaining:
            self._end(order, Status.FILLED, now_ms)
        self._on_change(order, trade)

    def cancel(self, order: ExchangeOrder, now_ms: int) -> None:
        """End an open order as canceled; what was filled stays filled."""
        self._end(order, Status.CANCELED, now_ms)
        self._on_change(order, None)

    def reach(self, listing: ListedSymbol, now_ms: int) -> None:
        """Fill the open orders that the listing's prices now reach, at their own prices."""
        for order in [one for one in self.open.values() if one.symbol == listing.symbol]:
            if listing.reaches(order.side, order.price):
                self.fill(order, now_ms)

    def with_client_id(self, client_order_id: str) -> list[ExchangeOrder]:
        """Every order that was accepted under a client order id, oldest first: more than one is a duplicate."""
        return self._by_client_id.get(client_order_id, [])

    @property
    def duplicates(self) -> dict[str, int]:
        """Client order ids of more than one order, and of how many."""
        return {name: len(orders) for name, orders in self._by_client_id.items() if len(orders) > 1}

    def seen(self, orders: Iterable[ExchangeOrder], now_ms: int) -> Iterator[ExchangeOrder]:
        """Those that show at `now_ms`."""
        return (order for order in orders if order.visible_at_ms <= now_ms)

    def _draft(self, asked: NewOrder, now_ms: int, lag_ms: int) -> ExchangeOrder | VenueRejection:
        listing = self.listings.find(asked.id)
        if listing is None:
            return VenueRejection.UNKNOWN_SYMBOL
        price = asked.price if asked.order_type is OrderType.LIMIT else listing.best(asked.side)
        amount = asked.amount
        if amount is None and asked.cost is not None:
            amount = listing.round_down(asked.cost / listing.best(asked.side))
        if price is None or amount is None:
            return VenueRejection.BAD_PARAMETER
        if refusal := self._judge(asked, listing, amount, price):
            return refusal
        return ExchangeOrder(
            venue_order_id=str(next(self._ids)),
            client_order_id=asked.client_order_id,
            symbol=listing.symbol,
            id=listing.id,
            side=asked.side,
            order_type=asked.order_type,
            amount=amount,
            price=price,
            time_in_force=asked.time_in_force,
            post_only=asked.post_only,
            accepted_at_ms=now_ms,
            visible_at_ms=now_ms + lag_ms,
            updated_at_ms=now_ms,
        )

    def _judge(self, asked: NewOrder, listing: ListedSymbol, amount: Decimal, price: Decimal) -> VenueRejection | None:
        if refusal := listing.judge(asked, amount, price):
            return refusal
        if asked.client_order_id in self._open_client_ids:
            return VenueRejection.DUPLICATE_ID
        paid, needed = (listing.quote, amount * price) if asked.side is Side.BUY else (listing.base, amount)
        return VenueRejection.INSUFFICIENT_BALANCE if needed > self.holdings.free[paid] else None

    def _enter(self, order: ExchangeOrder) -> None:
        self.orders[order.venue_order_id] = self.open[order.venue_order_id] = order
        if order.client_order_id:
            self._by_client_id.setdefault(order.client_order_id, []).append(order)
            self._open_client_ids.add(order.client_order_id)
        self.holdings.lock(*self._locked_by(order))

    def _end(self, order: ExchangeOrder, status: Status, now_ms: int) -> None:
        self.holdings.unlock(*self._locked_by(order))
        order.status, order.updated_at_ms = status, now_ms
        del self.open[order.venue_order_id]
        self._open_client_ids.discard(order.client_order_id)

    def _locked_by(self, order: ExchangeOrder) -> tuple[str, Decimal]:
        listing = self.listings[order.symbol]
        return (
            (listing.quote, order.remaining * order.price)
            if order.side is Side.BUY
            else (listing.base, order.remaining)
        )
