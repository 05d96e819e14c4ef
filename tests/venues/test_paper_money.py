"""The money of a paper account, whatever happens: added up here once more, in fractions, from what its venue says.

The venue fills, the book books, and between the two anything may happen: other orders, quotes, candles, a crash.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

from tests import builders
from tidegate.domain import events as e
from tidegate.domain.account import Account
from tidegate.domain.book import Book
from tidegate.domain.market import Candle, MarketRules, Quote
from tidegate.domain.order import Acknowledged, Answer, Fill, OrderRequest, OrderStatus, OrderUpdate
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side
from tidegate.venues.paper.venue import PaperVenue

BTC, ETH = "BTC/USDT", "ETH/USDT"
MAKER, TAKER = Decimal("0.0005"), Decimal("0.001")
RULES = {
    symbol: MarketRules(symbol, Decimal("0.5"), Decimal("0.01"), Decimal(5), MAKER, TAKER) for symbol in (BTC, ETH)
}
FUNDS = {"USDT": Decimal(700), "BTC": Decimal(5), "ETH": Decimal(5)}
SEEDS, RUNS = 10, 4
NO_FUNDS = "-2010 Account has insufficient balance for requested action."


class Order:
    """An order of the pipeline: its trades as its venue told of them, and how many of them are booked."""

    def __init__(self, request: OrderRequest) -> None:
        self.request, self.buying = request, request.side is Side.BUY
        self.base = request.symbol.partition("/")[0]
        self.currency = "USDT" if self.buying else self.base
        self.fills: list[Fill] = []
        self.booked = 0
        self.taken = self.over = self.taken_in_book = self.over_in_book = False

    def change(self, currency: str, count: int) -> Fraction:
        """What its first trades do to a balance."""
        changed, sign = Fraction(), 1 if self.buying else -1
        for fill in self.fills[:count]:
            if currency == self.base:
                changed += sign * Fraction(fill.amount)
            elif currency == "USDT":
                changed -= sign * Fraction(fill.amount) * Fraction(fill.price) + Fraction(fill.fee)
        return changed

    def aside(self, count: int, *, over: bool) -> Fraction:
        """What is left of what was set aside for it, after its first trades."""
        if over or sum(fill.amount for fill in self.fills[:count]) == self.request.amount:
            return Fraction()
        return max(Fraction(self.request.reserved) + self.change(self.currency, count), Fraction())

    def beyond(self, count: int) -> Fraction:
        """What its first trades spent beyond what was set aside."""
        return max(-self.change(self.currency, count) - Fraction(self.request.reserved), Fraction())


class World:
    """A pipeline that may be late to book, its paper venue, and our own sums.

    One that is `careful` orders nothing for which it has no money, as the shipped check of the balance does.
    """

    def __init__(self, *, careful: bool) -> None:
        self.careful = careful
        self.book = Book()
        self.book.apply("paper", e.Funded(trader="paper", balances=FUNDS))
        self.orders: dict[str, Order] = {}
        self.coming: list[OrderRequest] = []
        self.late: list[e.Body] = []
        self.best: dict[str, Decimal] = {}
        self.now_ns = 0
        self.connect()

    def connect(self) -> None:
        account = self.account = self.book.account("paper")
        acknowledged = {order_id for order_id, o in self.orders.items() if o.taken_in_book and not o.over_in_book}
        self.venue = PaperVenue("paper", account, RULES.get, orders=acknowledged, participation=Decimal("0.5"))
        self.venue.listen(self.hear)

    # What happens

    def intend(self, side: Side, amount: str, price: str | None, symbol: str, aside: str) -> None:
        """`aside` is what a market order sets aside for each coin: it may cost more than that."""
        reserved = Decimal(amount) * Decimal(price or aside) * (1 + TAKER) if side is Side.BUY else None
        request = builders.order(side, amount, price, f"{len(self.orders):03}", symbol=symbol, reserved=reserved)
        order = Order(request)
        if self.careful and request.reserved > self.account.free(order.currency):
            return
        self.orders[request.client_order_id] = order
        self.book.reserve(request)
        self.coming.append(request)

    def order(self, *details) -> None:
        self.intend(*details)
        self.send(len(self.coming))

    def send(self, count: int) -> None:
        going, self.coming = self.coming[:count], self.coming[count:]
        lonely, careful = len(going) == 1 and self.can_pay(going[0]), self.careful and not self.beyond("USDT")
        for request, answer in zip(going, done(self.venue.create_orders(going)), strict=True):
            self.answered(request, answer)
            if len(going) == 1 and (isinstance(answer, Acknowledged) or answer.detail == NO_FUNDS):
                assert isinstance(answer, Acknowledged) is lonely
            if careful and len(going) == 1 and request.price is not None and not isinstance(answer, Acknowledged):
                assert answer.detail != NO_FUNDS, "what was set aside pays for it"

    def answered(self, request: OrderRequest, answer: Answer) -> None:
        order_id = request.client_order_id
        order = self.orders[order_id]
        if isinstance(answer, Acknowledged):
            order.taken, order.over = True, answer.status is not OrderStatus.OPEN
            order.fills += answer.fills
            said = {"venue_order_id": answer.venue_order_id, "status": answer.status, "fills": answer.fills}
            self.late.append(e.Placed(client_order_id=order_id, **said))
        else:
            order.over = True
            self.late.append(e.Failed(client_order_id=order_id, reason=Reason.REJECTED, detail=answer.detail))

    def hear(self, update: OrderUpdate) -> None:
        order_id = update.client_order_id
        order = self.orders[order_id]
        order.fills += update.fills
        assert sum(fill.amount for fill in order.fills) == update.filled
        self.late += [e.Filled(client_order_id=order_id, fill=fill) for fill in update.fills]
        if update.status is not OrderStatus.OPEN:
            order.over = True
            self.late.append(e.OrderChanged(client_order_id=order_id, status=update.status))

    def record(self, count: int) -> None:
        booked, self.late = self.late[:count], self.late[count:]
        for body in booked:
            order = self.orders[body.client_order_id]
            order.taken_in_book |= isinstance(body, e.Placed)
            order.booked += len(body.fills) if isinstance(body, e.Placed) else isinstance(body, e.Filled)
            order.over_in_book |= self.book.apply("paper", body, self.now_ns)

    def quote(self, ask: str, symbol: str, depth: Decimal) -> None:
        before = self.traded(symbol)
        self.best[symbol] = Decimal(ask)
        self.venue.on_quote(Quote(symbol, self.now_ns, Decimal(ask) - 1, Decimal(ask), depth))
        assert all(amount - before[side] <= depth for side, amount in self.traded(symbol).items())

    def candle(self, low: str, high: str, symbol: str, volume: Decimal) -> None:
        before = self.traded(symbol)
        low_, high_ = sorted((float(low), float(high)))
        self.venue.on_candle(Candle(symbol, self.now_ns, 5, low_, high_, low_, high_, float(volume)))
        assert sum(self.traded(symbol).values()) - sum(before.values()) <= volume / 2

    def cancel(self, number: int) -> None:
        if self.orders:
            self.venue.cancel(list(self.orders)[number % len(self.orders)])

    def crash(self) -> None:
        """What was not recorded is lost. The venue is made of the journal again, and asked for what is in doubt."""
        self.late, self.coming, self.best = [], [], {}
        self.book = Book({"paper": Account.from_image(self.account.image())})
        for order in self.orders.values():
            order.taken, order.over = order.taken_in_book, order.over_in_book
            del order.fills[order.booked :]
        self.connect()
        for order_id in list(self.account.orders):
            order = self.orders[order_id]
            found = done(self.venue.find_order(order.request))
            assert isinstance(found, Acknowledged) is order.taken
            if not order.taken:
                self.answered(order.request, found)
        self.record(len(self.late))

    # Our own sums

    def traded(self, symbol: str) -> Counter[Side]:
        sums: Counter[Side] = Counter()
        for order in self.orders.values():
            if order.request.symbol == symbol:
                sums[order.request.side] += sum((fill.amount for fill in order.fills), Decimal(0))
        return sums

    def booked(self, currency: str) -> tuple[Fraction, Fraction]:
        """What there is and what is set aside, as far as it is recorded."""
        orders = self.orders.values()
        total = Fraction(FUNDS[currency]) + sum(order.change(currency, order.booked) for order in orders)
        mine = (order for order in orders if order.currency == currency)
        return total, sum((order.aside(order.booked, over=order.over_in_book) for order in mine), Fraction())

    def real(self, currency: str) -> tuple[Fraction, Fraction]:
        """What there is at the venue, and what is promised: to orders that it has; by a careful pipeline to all, unless
        more was spent than it had set aside."""
        there, promised = self.booked(currency)
        careful = self.careful and not self.beyond(currency) and there >= promised
        orders = self.orders.values()
        total = Fraction(FUNDS[currency]) + sum(order.change(currency, len(order.fills)) for order in orders)
        mine = (o for o in orders if o.currency == currency and (o.taken or careful))
        return total, sum((order.aside(len(order.fills), over=order.over) for order in mine), Fraction())

    def beyond(self, currency: str) -> Fraction:
        """What was spent beyond what was set aside, and is not booked yet."""
        mine = (order for order in self.orders.values() if order.currency == currency)
        return sum((o.beyond(len(o.fills)) - o.beyond(o.booked) for o in mine), Fraction())

    def can_pay(self, request: OrderRequest) -> bool:
        """Whether there is money for an order: what was set aside first is paid first, and nothing is spent twice."""
        order = self.orders[request.client_order_id]
        reserved = needed = Fraction(request.reserved)
        best = self.best.get(request.symbol)
        if order.buying and request.price is None and best is not None:
            needed = max(needed, Fraction(request.amount) * Fraction(best) * Fraction(1 + TAKER))
        mine = [o for o in self.orders.values() if o.currency == order.currency]
        left = self.booked(order.currency)[0] - self.beyond(order.currency)
        if needed <= reserved:
            mine = mine[: mine.index(order) + 1]
        return left - sum(o.aside(o.booked, over=o.over_in_book) for o in mine) >= needed - reserved

    def check(self) -> None:
        balances = done(self.venue.balances())
        for currency in FUNDS:
            balance, (total, aside) = self.account.balances[currency], self.booked(currency)
            assert (balance.total, balance.locked, balances[currency]) == (total, aside, total)
            there, promised = self.real(currency)
            assert there >= promised >= 0
        listed = {order.client_order_id: order.filled for order in done(self.venue.orders_since(0)).orders}
        live = {order_id: order for order_id, order in self.orders.items() if order.taken and not order.over}
        assert listed == {order_id: sum(fill.amount for fill in order.fills) for order_id, order in live.items()}

    def check_trades(self) -> None:
        ids = [fill.trade_id for order in self.orders.values() for fill in order.fills]
        assert len(set(ids)) == len(ids)
        for order in self.orders.values():
            request, sign = order.request, 1 if order.buying else -1
            assert sum(fill.amount for fill in order.fills) <= request.amount
            for fill in order.fills:
                assert fill.amount > 0
                assert fill.amount % RULES[request.symbol].lot == 0
                assert request.price is None or sign * fill.price <= sign * request.price
                cost = Fraction(fill.amount) * Fraction(fill.price)
                assert Fraction(fill.fee) in (cost * Fraction(MAKER), cost * Fraction(TAKER))


def done(coroutine):
    """What a coroutine returns that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stopped:
        return stopped.value
    raise AssertionError("the paper venue must not wait")


def a_history(chance: Random) -> list[tuple[object, ...]]:
    """What may happen: many orders for the money that there is, quotes, and the rest now and then."""

    def price() -> str:
        return str(Decimal(chance.randrange(160, 241)) / 2)

    def order() -> tuple[object, ...]:
        side, lots = chance.choice((Side.BUY, Side.BUY, Side.SELL)), Decimal(chance.randrange(6, 300)) / 100
        return side, str(lots), chance.choice((None, price())), chance.choice((BTC, ETH)), price()

    def step() -> tuple[object, ...]:
        symbol, volume = chance.choice((BTC, ETH)), Decimal(chance.randrange(3000)) / 1000
        match chance.randrange(20):
            case 0 | 1 | 2 | 3 | 4 | 5:
                return ("order", *order())
            case 6 | 7 | 8:
                return ("intend", *order())
            case 9:
                return "send", chance.randrange(1, 5)
            case 10 | 11 | 12:
                return "record", chance.randrange(1, 5)
            case 13 | 14 | 15 | 16:
                return "quote", price(), symbol, volume
            case 17:
                return "candle", price(), price(), symbol, volume
            case 18:
                return "cancel", chance.randrange(99)
        return ("crash",) if chance.randrange(3) == 0 else ("record", 99)

    return [step() for _ in range(60)]


@pytest.mark.parametrize("careful", [True, False], ids=["careful", "careless"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_happens_no_money_is_made_or_lost_or_spent_twice(seed, careful):
    for run in range(RUNS):
        world = World(careful=careful)
        opening = [("quote", "100", symbol, Decimal(3)) for symbol in RULES]
        for number, (what, *details) in enumerate([*opening, *a_history(Random(f"{seed} {run}"))]):
            world.now_ns = number * 5
            getattr(world, what)(*details)
            world.check()
        world.send(len(world.coming))
        world.record(len(world.late))
        world.check()
        world.check_trades()
