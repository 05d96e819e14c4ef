"""What every venue owes the pipeline: on paper, through ccxt on a local exchange, and in the faulty world.

All run in virtual time, on a market of 60,000 USDT for a bitcoin. Each rig gives the test a hand on its venue.
"""

import asyncio
from decimal import Decimal

import pytest

from tests.builders import order
from tests.virtual_network import NetworkLoop, machine_time
from tidegate.domain.account import Account
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.market import MarketRules, Quote
from tidegate.domain.order import Acknowledged, NotFound, NotPlaced, OrderStatus, Unanswered
from tidegate.domain.signal import Side
from tidegate.torture.faulty import Lag, Planned, Points, Script, VenueFault, VenueFaultKind
from tidegate.torture.faulty.address import FaultyAddress
from tidegate.torture.faulty.exchange import FaultyExchange
from tidegate.torture.faulty.fault_schedule import FaultSchedule
from tidegate.torture.faulty.venue import FaultyVenue
from tidegate.torture.faulty.world import FaultyWorld
from tidegate.venues.paper.venue import PaperVenue

SYMBOL = "BTC/USDT"
BID, ASK = Decimal("59999.99"), Decimal("60000.01")
BELOW, ABOVE = "50000", "70000"
FUNDS = {"USDT": Decimal(100_000), "BTC": Decimal(2)}
RULES = MarketRules(SYMBOL, Decimal("0.01"), Decimal("0.00001"), Decimal(5), Decimal("0.001"), Decimal("0.001"))
AN_HOUR_NS = 3_600_000_000_000
FOLLOWED_WITHIN_S = 10


class Rig:
    """A venue, what it reported of orders, and a hand on its market."""

    remembers_ended = True
    has_a_way = True

    def __init__(self, loop: NetworkLoop) -> None:
        self.loop, self.updates = loop, []

    async def open(self) -> None:
        self.venue.listen(self.updates.append)
        await self.price(BID, ASK)

    async def close(self) -> None:
        pass

    async def place(self, *args, **named):
        (answer,) = await self.venue.create_orders([request(*args, **named)])
        return answer

    async def listed(self):
        since_ns = self.loop.wall_ns() - AN_HOUR_NS
        return {each.client_order_id: each for each in (await self.venue.orders_since(since_ns)).orders}

    def fills_of(self, order_id, answer):
        """The trades of an order that were reported, in its answer and afterwards, each once."""
        updates = [update for update in self.updates if update.client_order_id == order_id]
        return {each.trade_id: each for one in (answer, *updates) for each in one.fills}.values()

    def last_status(self, order_id, answer):
        return [answer.status, *(u.status for u in self.updates if u.client_order_id == order_id)][-1]


class OnPaper(Rig):
    remembers_ended = False
    has_a_way = False

    async def open(self) -> None:
        account = self.account = Account()
        account.fund(FUNDS)
        rules = {SYMBOL: RULES}
        self.venue = PaperVenue("paper", account, rules.get, participation=Decimal("0.5"))
        await super().open()

    async def price(self, bid, ask) -> None:
        self.venue.on_quote(Quote(SYMBOL, self.loop.wall_ns(), bid, ask, Decimal(10)))

    async def cancel(self, order_id) -> None:
        self.venue.cancel(order_id)

    def totals(self):
        return {currency: balance.total for currency, balance in self.account.balances.items()}


class OnLocalExchange(Rig):
    def __init__(self, loop, dialect) -> None:
        super().__init__(loop)
        self.dialect = dialect

    async def open(self) -> None:
        from tidegate.emulator import LocalExchange, settings_for
        from tidegate.venues.ccxt.connection import connect
        from tidegate.venues.ccxt.venue import CcxtVenue

        self.exchange = LocalExchange(self.dialect, balances=FUNDS)
        await self.exchange.start()
        block = settings_for(self.dialect, self.exchange.address) | {"timeout": 1000, "timeout_on_exit": 0}
        connection = connect(self.dialect, block, {"apiKey": "key", "secret": "secret"}, trader="main")
        self.venue = CcxtVenue("main", connection, [SYMBOL], clock=self.loop.clock())
        await self.venue.open()
        await super().open()

    async def close(self) -> None:
        await self.venue.close()
        self.exchange.stop()

    async def price(self, bid, ask) -> None:
        self.exchange.set_price(SYMBOL, bid=bid, ask=ask)

    async def cancel(self, order_id) -> None:
        (found,) = self.exchange.ledger.with_client_id(order_id)
        self.exchange.ledger.cancel(found, self.exchange.now_ms())

    def lose_the_answer(self) -> None:
        from tidegate.emulator import Fault, FaultKind

        self.exchange.faults.add(Fault(kind=FaultKind.SILENT))

    def go_away(self) -> None:
        self.exchange.stop()

    def totals(self):
        holdings = self.exchange.ledger.holdings
        return {coin: holdings.free[coin] + holdings.locked[coin] for coin in holdings.currencies}


class InTheFaultyWorld(Rig):
    async def open(self) -> None:
        script = Script(signals=[Planned("s1", 1, SYMBOL, "buy")], lag=Lag())
        self.world = FaultyWorld(script, Points(), start_ns=self.loop.wall_ns())
        self.world.enter(self.loop)
        schedule = FaultSchedule(self.world, "main")
        self.exchange = FaultyExchange("main", FUNDS, {SYMBOL: RULES}.get, self.world, schedule)
        self.venue = FaultyVenue(
            self.exchange, self.world, schedule, FaultyAddress(self.world), settles=True, raised=str
        )
        await super().open()

    async def price(self, bid, ask) -> None:
        self.exchange.on_quote(Quote(SYMBOL, self.world.now_ns(), bid, ask, Decimal(1000)))

    async def cancel(self, order_id) -> None:
        self.venue.begin(VenueFault(kind=VenueFaultKind.WIPED))  # all that rest, and there is one

    def lose_the_answer(self) -> None:
        self.venue.spoil_next(VenueFaultKind.REPLY_LOST)

    def go_away(self) -> None:
        self.venue.begin(VenueFault(kind=VenueFaultKind.AWAY, seconds=1e6))

    def totals(self):
        return self.exchange.books.totals()


RIGS = {
    "paper": OnPaper,
    "binance": lambda loop: OnLocalExchange(loop, "binance"),
    "bybit": lambda loop: OnLocalExchange(loop, "bybit"),
    "faulty world": InTheFaultyWorld,
}


def request(number=1, side=Side.BUY, amount="0.01", price=BELOW, symbol=SYMBOL):
    reserved = None if price is not None or side is Side.SELL else Decimal(amount) * ASK * 2
    return order(side, amount, price, f"abcd{number:014x}", symbol=symbol, trader="main", reserved=reserved)


@pytest.fixture(params=RIGS)
def on(request):
    """Run `scenario(it)` on a fresh venue."""
    if request.param in ("binance", "bybit"):
        pytest.importorskip("ccxt")

    def run(scenario):
        loop = NetworkLoop()
        it = RIGS[request.param](loop)

        async def main():
            await it.open()
            try:
                return await scenario(it)
            finally:
                await it.close()

        with machine_time(loop):
            return loop.run_until_complete(main())

    run.has_a_way = request.param != "paper"
    return run


@pytest.fixture
def on_a_way(on):
    """As `on`, where requests and answers may get lost between us and the venue."""
    if not on.has_a_way:
        pytest.skip("nothing lies between us and this venue")
    return on


# What is sent


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, BELOW), (Side.SELL, ABOVE)], ids=["buy", "sell"])
def test_an_order_away_from_the_market_is_acknowledged_and_rests(on, side, price):
    async def scenario(it):
        return await it.place(1, side, price=price)

    answer = on(scenario)
    assert isinstance(answer, Acknowledged)
    assert answer.venue_order_id
    assert (answer.status, answer.fills) == (OrderStatus.OPEN, ())


@pytest.mark.parametrize(
    ("side", "price", "paid"),
    [
        pytest.param(Side.BUY, "60000.01", ASK, id="a limit to buy"),
        pytest.param(Side.BUY, "61000", ASK, id="a dearer one pays the best price"),
        pytest.param(Side.BUY, None, ASK, id="to buy at the market"),
        pytest.param(Side.SELL, "59999.99", BID, id="a limit to sell"),
        pytest.param(Side.SELL, None, BID, id="to sell at the market"),
    ],
)
def test_an_order_that_reaches_the_best_price_fills_and_each_trade_is_reported(on, side, price, paid):
    async def scenario(it):
        answer = await it.place(1, side, price=price)
        await asyncio.sleep(FOLLOWED_WITHIN_S)
        order_id = request(1).client_order_id
        return answer, list(it.fills_of(order_id, answer)), it.last_status(order_id, answer)

    answer, fills, status = on(scenario)
    assert isinstance(answer, Acknowledged)
    assert status is OrderStatus.CLOSED
    assert sum(each.amount for each in fills) == Decimal("0.01")
    assert {each.price for each in fills} == {paid}
    assert all(each.fee > 0 and each.fee_currency in ("BTC", "USDT") for each in fills)


@pytest.mark.parametrize(
    "what",
    [
        pytest.param({"amount": "0.00001"}, id="too little money"),
        pytest.param({"amount": "2.5"}, id="more money than there is"),
        pytest.param({"side": Side.SELL, "amount": "2.5", "price": ABOVE}, id="more coins than there are"),
    ],
)
def test_what_the_venue_cannot_take_is_rejected_for_good_and_is_nowhere(on, what):
    async def scenario(it):
        before = it.totals()
        answer = await it.place(1, **what)
        found = await it.venue.find_order(request(1))
        return answer, found, await it.listed(), it.totals() == before

    answer, found, listed, unchanged = on(scenario)
    assert isinstance(answer, NotPlaced)
    assert answer.final
    assert answer.detail
    assert isinstance(found, NotFound)
    assert (listed, unchanged) == ({}, True)


@pytest.mark.parametrize(
    "what",
    [
        pytest.param({"amount": "0.000001"}, id="less than a lot"),
        pytest.param({"symbol": "NO/SUCH"}, id="a symbol that is not traded"),
    ],
)
def test_what_is_no_order_at_all_is_not_placed(on, what):
    async def scenario(it):
        return await it.place(1, **what), await it.listed()

    answer, listed = on(scenario)
    assert (type(answer), listed) == (NotPlaced, {})


def test_a_second_order_under_the_same_id_is_not_taken(on):
    async def scenario(it):
        first = await it.place(1)
        again = await it.place(1)
        return first, again, await it.listed(), it.totals()

    first, again, listed, _ = on(scenario)
    assert isinstance(again, Acknowledged | NotPlaced | Unanswered)
    if isinstance(again, Acknowledged):  # the first one, found
        assert again.venue_order_id == first.venue_order_id
    ((order_id, it),) = listed.items()
    assert (order_id, it.venue_order_id) == (request(1).client_order_id, first.venue_order_id)


def test_each_request_has_its_answer_in_its_place(on):
    async def scenario(it):
        requests = [request(1), request(2, amount="0.000001"), request(3, price="60000.01")]
        size = it.venue.batch_max
        batches = [requests[n : n + size] for n in range(0, len(requests), size)]
        return [answer for batch in batches for answer in await it.venue.create_orders(batch)]

    assert [type(answer) for answer in on(scenario)] == [Acknowledged, NotPlaced, Acknowledged]


# What is asked


def test_an_order_is_found_by_its_own_id_only(on):
    async def scenario(it):
        placed = await it.place(1)
        return placed, [await it.venue.find_order(request(number)) for number in (1, 2)]

    placed, (found, none) = on(scenario)
    assert (type(found), found.status, found.venue_order_id) == (Acknowledged, OrderStatus.OPEN, placed.venue_order_id)
    assert isinstance(none, NotFound)


def test_an_order_that_is_over_is_found_with_all_its_trades(on):
    async def scenario(it):
        if not it.remembers_ended:
            return None
        await it.place(1, price="60000.01")
        return await it.venue.find_order(request(1))

    found = on(scenario)
    if found is None:
        pytest.skip("the paper venue reports an end when it happens, and remembers none")
    assert (type(found), found.status) == (Acknowledged, OrderStatus.CLOSED)
    assert sum(each.amount for each in found.fills) == Decimal("0.01")


def test_open_orders_are_listed_as_they_were_asked_for(on):
    async def scenario(it):
        await it.place(1)
        await it.place(2, Side.SELL, price=ABOVE)
        return await it.listed()

    listed = on(scenario)
    asked = [request(1), request(2, Side.SELL, price=ABOVE)]
    assert listed.keys() == {each.client_order_id for each in asked}
    for each in asked:
        it = listed[each.client_order_id]
        assert (it.symbol, it.side, it.amount, it.price) == (each.symbol, each.side, each.amount, each.price)
        assert (it.status, it.filled, it.fills) == (OrderStatus.OPEN, 0, ())


def test_orders_of_the_hour_that_are_over_are_listed_with_their_trades(on):
    async def scenario(it):
        if not it.remembers_ended:
            return None
        await it.place(1, price="60000.01")
        await it.place(2, Side.SELL, price=None)
        return await it.listed()

    listed = on(scenario)
    if listed is None:
        pytest.skip("the paper venue reports an end when it happens, and remembers none")
    assert {each.status for each in listed.values()} == {OrderStatus.CLOSED}
    assert [sum(f.amount for f in each.fills) for each in listed.values()] == [Decimal("0.01")] * 2


def test_balances_are_what_the_venue_has_with_what_orders_hold(on):
    async def scenario(it):
        await it.place(1)
        await it.place(2, Side.SELL, price=ABOVE)
        return await it.venue.balances(), it.totals()

    told, totals = on(scenario)
    assert [{coin: amount for coin, amount in each.items() if amount} for each in (told, totals)] == [FUNDS, FUNDS]


def test_the_rules_are_those_of_the_market(on):
    async def scenario(it):
        return it.venue.rules(SYMBOL), it.venue.rules("NO/SUCH")

    rules, none = on(scenario)
    assert (rules.tick, rules.lot, rules.min_notional) == (RULES.tick, RULES.lot, RULES.min_notional)
    assert none is None


# What is reported afterwards


@pytest.mark.parametrize(
    ("side", "price", "bid", "ask"),
    [(Side.BUY, BELOW, "49900", "50000"), (Side.SELL, ABOVE, "70000", "70100")],
    ids=["buy", "sell"],
)
def test_a_resting_order_that_the_market_reaches_is_followed_to_its_end(on, side, price, bid, ask):
    async def scenario(it):
        answer = await it.place(1, side, price=price)
        await it.price(Decimal(bid), Decimal(ask))
        await asyncio.sleep(FOLLOWED_WITHIN_S)
        order_id = request(1).client_order_id
        return list(it.fills_of(order_id, answer)), it.last_status(order_id, answer), it.updates

    fills, status, updates = on(scenario)
    assert status is OrderStatus.CLOSED
    assert sum(each.amount for each in fills) == Decimal("0.01")
    assert {each.price for each in fills} == {Decimal(price)}
    assert {update.trader for update in updates} <= {"main", "paper"}


def test_an_order_that_the_venue_cancels_is_reported_as_canceled(on):
    async def scenario(it):
        answer = await it.place(1)
        await it.cancel(request(1).client_order_id)
        await asyncio.sleep(FOLLOWED_WITHIN_S)
        return it.last_status(request(1).client_order_id, answer), await it.listed()

    status, listed = on(scenario)
    assert status is OrderStatus.CANCELED
    assert all(each.status is OrderStatus.CANCELED for each in listed.values())


# What may get lost


def test_an_order_whose_answer_is_lost_is_unknown_and_found_later(on_a_way):
    async def scenario(it):
        it.lose_the_answer()
        answer = await it.place(1)
        return answer, await it.venue.find_order(request(1))

    answer, found = on_a_way(scenario)
    assert isinstance(answer, Unanswered)
    assert (type(found), found.status) == (Acknowledged, OrderStatus.OPEN)


def test_a_venue_that_is_away_raises_nothing_but_that_it_is_unavailable(on_a_way):
    async def scenario(it):
        await it.place(1)
        it.go_away()
        answer = await it.place(2)
        found = await it.venue.find_order(request(1))
        for ask in (lambda: it.venue.orders_since(0), it.venue.balances):
            with pytest.raises(VenueUnavailable):
                await ask()
        return answer, found

    answer, found = on_a_way(scenario)
    assert isinstance(answer, NotPlaced | Unanswered)
    assert not (isinstance(answer, NotPlaced) and answer.final)
    assert isinstance(found, Unanswered)
