"""The exchange itself, behind the network: takes orders, trades them, keeps its own books, and forgets nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tidegate.domain.market import MarketRules, Quote
from tidegate.domain.order import (
    Acknowledged,
    Answer,
    Fill,
    NotPlaced,
    OrderRequest,
    OrderStatus,
    OrderUpdate,
    VenueOrder,
)
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side
from tidegate.torture.faulty.books import Books
from tidegate.torture.faulty.fault import VenueFault, VenueFaultKind
from tidegate.torture.faulty.fault_schedule import FaultSchedule
from tidegate.torture.faulty.ledger import TakenOrder
from tidegate.torture.faulty.script import FeesIn
from tidegate.torture.faulty.units import amount_of, part_of, product_of, units_of
from tidegate.torture.faulty.world import FaultyWorld

__all__ = ["COIN", "COIN_PRICE", "FaultyExchange"]

COIN = "BNB"
"""The exchange's own coin, in which it may take its fees."""
COIN_PRICE = 600
"""What it is worth, in every quote currency."""

_COIN_DIGIT = 10**10
_NEW_LOT = 10
_FARTHEST = 5


class _BookedOrder(Struct, eq=False):
    venue_id: str
    request: OrderRequest | None
    symbol: str
    buying: bool
    amount: int
    price: int | None
    created_ns: int
    taken: TakenOrder | None = None
    filled: int = 0
    locked: int = 0
    status: OrderStatus = OrderStatus.OPEN

    @property
    def left(self) -> int:
        return self.amount - self.filled


class _Level(Struct):
    """The best price of a side, and how much of what is on offer there is left."""

    price: int = 0
    left: int = 0


class FaultyExchange:
    """One account on an exchange that trades at the quotes it is given.

    What reaches the best opposite price trades there at once, as far as that lasts; the rest of a limit order rests,
    the rest of a market order expires. Resting orders trade at their own price when a quote reaches them. A request
    that comes after the fence is refused. Orders and trades may show late, and orders end by themselves; the lots may
    grow, which shows after an order that did not fit was rejected. Others may use the account too. `on_update`
    receives updates of our orders. Memory: every order.
    """

    def __init__(
        self,
        trader: str,
        funds: Mapping[str, Decimal],
        rules: Callable[[str], MarketRules | None],
        world: FaultyWorld,
        fault_schedule: FaultSchedule,
    ) -> None:
        self.trader = trader
        self.books = Books(funds)
        self.on_update: Callable[[OrderUpdate], None] = _ignore
        self._rules_of, self._world, self._fault_schedule = rules, world, fault_schedule
        self._orders: list[_BookedOrder] = []
        self._by_client_id: dict[str, _BookedOrder] = {}
        self._resting: dict[str, list[_BookedOrder]] = {}
        self._best: dict[tuple[str, bool], _Level] = {}
        self._lots: dict[str, Decimal] = {}
        self._shown_lots: dict[str, Decimal] = {}
        self._trades = 0

    def change_rules(self) -> None:
        """Let amounts be whole multiples of ten times the lot from now on."""
        for symbol in {planned.symbol for planned in self._world.script.signals}:
            if rules := self._rules_of(symbol):
                self._lots[symbol] = rules.lot * _NEW_LOT

    def rules(self, symbol: str) -> MarketRules | None:
        """The rules as they were read last."""
        rules = self._rules_of(symbol)
        if rules is None or symbol not in self._shown_lots:
            return rules
        return replace(rules, lot=self._shown_lots[symbol])

    def on_quote(self, quote: Quote) -> None:
        """Trade what the new best prices reach, as far as their depth lasts."""
        depth = units_of(quote.depth)
        for buying, price in ((True, quote.ask), (False, quote.bid)):
            self._best[quote.symbol, buying] = _Level(units_of(price), depth)
        resting = self._resting.get(quote.symbol)
        if not resting:
            return
        for order in sorted(resting, key=_rank):
            level = self._best[quote.symbol, order.buying]
            if order.taken is not None and order.price is not None and _reaches(order, level.price):
                amount = self._tradable(order, level)
                if amount:
                    level.left -= amount
                    self._trade(order, amount, order.price, maker=True)
                    self._push(order, 1)

    def arrive(self, request: OrderRequest, sent_ns: int) -> Answer:
        """Take or reject an order that left at `sent_ns`, with what it trades at once."""
        world, fence_s = self._world, self._world.script.lag.fence_s
        if fence_s is not None and world.now_ns() - sent_ns > fence_s * 1e9:
            return NotPlaced(reason=Reason.CLOCK_SKEW, detail="outside of the receive window", final=False)
        rules = self._rules_of(request.symbol)
        if rules is None:
            return _rejected("-1121 Invalid symbol.")
        price = None if request.price is None else units_of(request.price)
        buying = request.side is Side.BUY
        order = _BookedOrder("", request, request.symbol, buying, units_of(request.amount), price, world.now_ns())
        level = self._best.get((request.symbol, buying))
        if level is None:
            return NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="The market has no price yet.", final=False)
        rejection = self._rejection(order, rules, level)
        if rejection is not None:
            return rejection
        self._enter(order)
        if order.price is None or _reaches(order, level.price):
            amount = self._tradable(order, level)
            if amount:
                level.left -= amount
                self._trade(order, amount, level.price, maker=False)
        if order.price is None and order.status is OrderStatus.OPEN:
            self._end(order, OrderStatus.EXPIRED)
        return self._acknowledged(order)

    def find(self, client_order_id: str) -> Acknowledged | None:
        """The last order taken under an id, of any age, if it is visible by now."""
        order = self._by_client_id.get(client_order_id)
        return self._acknowledged(order) if order is not None and self._shows(order) else None

    def count_listed(self, since_ns: int) -> int:
        """How many orders a listing has."""
        return sum(1 for _ in self._listed(since_ns))

    def listed(self, since_ns: int, first: int, last: int) -> Sequence[VenueOrder]:
        """A part of the orders that show, by their creation: those made since a moment, and those that are open."""
        return [self._venue_order(order) for n, order in enumerate(self._listed(since_ns)) if first <= n < last]

    def begin(self, venue_fault: VenueFault) -> None:
        """Let a stranger do something with the account, or everything that rests on it trade or end."""
        symbol = self._world.script.signals[0].symbol
        base, quote = _pair(symbol)
        match venue_fault.kind:
            case VenueFaultKind.DEPOSIT:
                self.books.move(quote, 20 * 10**18)
                self.books.move(base, 10**17)
            case VenueFaultKind.WITHDRAWAL:
                self.books.move(quote, -(self.books.free(quote) // 4))
            case VenueFaultKind.SWEPT | VenueFaultKind.WIPED:
                ended = self._fill_whole if venue_fault.kind is VenueFaultKind.SWEPT else self._cancel
                for order in [order for resting in self._resting.values() for order in resting]:
                    if order.taken is not None:
                        ended(order)
            case VenueFaultKind.FOREIGN_TRADE:
                self._foreign(symbol, buying=bool(int(venue_fault.at_s) % 2), price_bps=10_000, for_s=0.0)
            case VenueFaultKind.FOREIGN_ORDER:
                self._foreign(
                    symbol, buying=bool(int(venue_fault.at_s) % 2), price_bps=8_000, for_s=venue_fault.seconds
                )
        self._world.note(f"{self.trader}: {venue_fault}")

    def _foreign(self, symbol: str, *, buying: bool, price_bps: int, for_s: float) -> None:
        """An eighth of what is free trades at once, or rests far from the market, and trades then or never."""
        level, rules = self._best.get((symbol, buying)), self._rules_of(symbol)
        if level is None or rules is None:
            return
        bps = price_bps if buying else 10_000 * 10_000 // price_bps
        tick, lot = units_of(rules.tick), units_of(rules.lot)
        price = level.price * bps // 10_000 // tick * tick
        base, quote = _pair(symbol)
        amount = self.books.free(base) // 8 if not buying else self.books.free(quote) * 10**18 // price // 8
        order = _BookedOrder("", None, symbol, buying, amount // lot * lot, price, self._world.now_ns())
        if order.amount <= 0:
            return
        self._enter(order)
        if price_bps == 10_000:
            self._trade(order, order.left, price, maker=False)
            return
        self._world.ledger.foreign.append(order.venue_id)
        if for_s:
            self._world.await_after(for_s, lambda: self._fill_whole(order))

    def _enter(self, order: _BookedOrder) -> None:
        world, request = self._world, order.request
        order.venue_id = f"{self.trader}-{len(self._orders) + 1}"
        self._orders.append(order)
        self._resting.setdefault(order.symbol, []).append(order)
        self._lock(order)
        if request is None:
            return
        now_ns = world.now_ns()
        hidden = self._fault_schedule.next(VenueFaultKind.HIDDEN)
        shown_ns = now_ns + int(hidden.seconds * 1e9 if hidden is not None else 0)
        order.taken = TakenOrder(request, order.venue_id, now_ns, shown_ns, order.status, [], [])
        self._by_client_id[request.client_order_id] = order
        world.ledger.taken.append(order.taken)
        if (canceled := self._fault_schedule.next(VenueFaultKind.CANCELED)) is not None:
            world.await_after(canceled.seconds, lambda: self._cancel(order))
        if (filled := self._fault_schedule.next(VenueFaultKind.FILLED)) is not None:
            world.await_after(filled.seconds, lambda: self._fill_whole(order))

    def _rejection(self, order: _BookedOrder, rules: MarketRules, level: _Level) -> NotPlaced | None:
        request, price = order.request, order.price if order.price is not None else level.price
        lot = self._lots.get(order.symbol, rules.lot)
        if request is not None and self._is_open(request.client_order_id):
            return _rejected("-2010 Duplicate order sent.")
        if order.amount <= 0 or order.amount % units_of(lot):
            self._shown_lots[order.symbol] = lot
            return _rejected("-1013 Filter failure: LOT_SIZE")
        if price <= 0 or (order.price is not None and price % units_of(rules.tick)):
            return _rejected("-1013 Filter failure: PRICE_FILTER")
        if price > level.price * _FARTHEST or price * _FARTHEST < level.price:
            return _rejected("-1013 Filter failure: PERCENT_PRICE")
        if product_of(order.amount, price) < units_of(rules.min_notional) or order.amount < units_of(rules.min_amount):
            return _rejected("-1013 Filter failure: NOTIONAL")
        currency, needed = self._needs(order, price)
        if needed > self.books.free(currency):
            return _rejected("-2010 Account has insufficient balance for requested action.")
        return None

    def _needs(self, order: _BookedOrder, price: int) -> tuple[str, int]:
        base, quote = _pair(order.symbol)
        if not order.buying:
            return base, order.left
        cost, rules = product_of(order.left, price), self._rules_of(order.symbol)
        if rules is None or order.request is None or self._world.script.fees_in is not FeesIn.QUOTE:
            return quote, cost
        return quote, cost + part_of(cost, units_of(rules.taker_fee))

    def _lock(self, order: _BookedOrder) -> None:
        """Hold what the rest of an order needs, and no more."""
        price = order.price if order.price is not None else self._best[order.symbol, order.buying].price
        currency, needed = self._needs(order, price)
        if order.status is not OrderStatus.OPEN:
            needed = 0
        self.books.lock(currency, needed - order.locked)
        order.locked = needed

    def _tradable(self, order: _BookedOrder, level: _Level) -> int:
        lot = units_of(self._lots.get(order.symbol) or self._lot(order.symbol))
        return order.left if order.left <= level.left else level.left // lot * lot

    def _lot(self, symbol: str) -> Decimal:
        rules = self._rules_of(symbol)
        return rules.lot if rules is not None else Decimal(1)

    def _trade(self, order: _BookedOrder, amount: int, price: int, *, maker: bool) -> None:
        rules = self._rules_of(order.symbol)
        if rules is None:
            return
        base, quote = _pair(order.symbol)
        cost, rate = product_of(amount, price), units_of(rules.maker_fee if maker else rules.taker_fee)
        self._trades += 1
        trade_id = f"{self.trader}-t{self._trades}"
        ours = trade_id if order.taken is not None else ""
        received, gained, spent, paid = (base, amount, quote, cost) if order.buying else (quote, cost, base, amount)
        self.books.move(received, gained, ours)
        self.books.move(spent, -paid, ours)
        fee_in, fee = self._fee(cost, rate, received, gained, quote) if order.request is not None else (quote, 0)
        if fee:
            self.books.move(fee_in, -fee, ours)
        order.filled += amount
        self._world.note(f"{order.venue_id} trades {amount_of(amount)} at {amount_of(price)}")
        if order.left <= 0:
            self._end(order, OrderStatus.CLOSED)
        else:
            self._lock(order)
        if order.taken is not None:
            order.taken.fills.append(
                Fill(
                    trade_id=trade_id,
                    amount=amount_of(amount),
                    price=amount_of(price),
                    fee=amount_of(fee),
                    fee_currency=fee_in,
                )
            )
            order.taken.filled_ns.append(self._world.now_ns())

    def _fee(self, cost: int, rate: int, received: str, gained: int, quote: str) -> tuple[str, int]:
        fees_in = self._world.script.fees_in
        if fees_in is FeesIn.QUOTE:
            return quote, part_of(cost, rate)
        coins = -(-part_of(cost, rate) // (COIN_PRICE * _COIN_DIGIT)) * _COIN_DIGIT
        if fees_in is FeesIn.COIN and coins <= self.books.free(COIN):
            return COIN, coins
        return received, part_of(gained, rate)

    def _cancel(self, order: _BookedOrder) -> None:
        if order.status is OrderStatus.OPEN:
            self._end(order, OrderStatus.CANCELED)
            self._push(order, 0)

    def _fill_whole(self, order: _BookedOrder) -> None:
        if order.status is OrderStatus.OPEN and order.price is not None:
            self._trade(order, order.left, order.price, maker=True)
            self._push(order, 1)

    def _end(self, order: _BookedOrder, status: OrderStatus) -> None:
        order.status = status
        self._lock(order)
        self._resting[order.symbol].remove(order)
        if order.taken is not None:
            order.taken.status = status
        self._world.note(f"{order.venue_id} is {status}")

    def _push(self, order: _BookedOrder, trades: int) -> None:
        taken = order.taken
        if taken is None or not self._world.script.pushes:
            return
        shown = len(self._shown_fills(taken))
        update = OrderUpdate(
            trader=self.trader,
            client_order_id=taken.request.client_order_id,
            at_ns=self._world.wall_ns(),
            status=taken.status,
            fills=tuple(taken.fills[len(taken.fills) - trades : shown]),
            filled=taken.filled,
        )
        self.on_update(update)

    def _shown_fills(self, taken: TakenOrder) -> Sequence[Fill]:
        late_s = self._world.script.lag.trades_s
        if not late_s:
            return taken.fills
        shown_ns = self._world.now_ns() - int(late_s * 1e9)
        return [fill for fill, at_ns in zip(taken.fills, taken.filled_ns, strict=True) if at_ns <= shown_ns]

    def _acknowledged(self, order: _BookedOrder) -> Acknowledged:
        """An order is not over before its trades show, as at every venue of ours."""
        taken = order.taken
        if taken is None:
            raise ValueError(f"{order.venue_id} is not ours")
        fills = tuple(self._shown_fills(taken))
        status = order.status if len(fills) == len(taken.fills) else OrderStatus.OPEN
        return Acknowledged(venue_order_id=order.venue_id, status=status, fills=fills, filled=amount_of(order.filled))

    def _venue_order(self, order: _BookedOrder) -> VenueOrder:
        taken = order.taken
        return VenueOrder(
            venue_order_id=order.venue_id,
            client_order_id=taken.request.client_order_id if taken is not None else None,
            symbol=order.symbol,
            side=Side.BUY if order.buying else Side.SELL,
            amount=amount_of(order.amount),
            price=None if order.price is None else amount_of(order.price),
            status=order.status,
            filled=amount_of(order.filled),
            at_ns=order.created_ns,
            fills=tuple(self._shown_fills(taken)) if taken is not None else (),
        )

    def _listed(self, since_ns: int) -> Iterator[_BookedOrder]:
        for order in self._orders:
            if (order.status is OrderStatus.OPEN or order.created_ns >= since_ns) and self._shows(order):
                yield order

    def _is_open(self, client_order_id: str) -> bool:
        order = self._by_client_id.get(client_order_id)
        return order is not None and order.status is OrderStatus.OPEN

    def _shows(self, order: _BookedOrder) -> bool:
        return order.taken is None or order.taken.shown_ns <= self._world.now_ns()


def _pair(symbol: str) -> tuple[str, str]:
    base, _, quote = symbol.partition("/")
    return base, quote.partition(":")[0]


def _reaches(order: _BookedOrder, best: int) -> bool:
    return order.price is None or (order.price >= best if order.buying else order.price <= best)


def _rank(order: _BookedOrder) -> tuple[int, int]:
    price = order.price or 0
    return -price if order.buying else price, order.created_ns


def _rejected(detail: str) -> NotPlaced:
    return NotPlaced(reason=Reason.REJECTED, detail=detail, final=True)


def _ignore(_: OrderUpdate) -> None:
    pass
