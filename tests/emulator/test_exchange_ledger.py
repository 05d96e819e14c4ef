"""The truth about orders: which are taken, what they fill, what they cost."""

from decimal import Decimal
from itertools import count

import msgspec
import pytest

from tidegate.domain.signal import OrderType, Side
from tidegate.emulator.ledger import VenueLedger
from tidegate.emulator.listing import ListedSymbol, ListedSymbols
from tidegate.emulator.orders import Fate, NewOrder, Status
from tidegate.emulator.refusal import VenueRejection

NOW_MS = 1_700_000_000_000


def a_ledger(**changes):
    listing = ListedSymbol(
        symbol="BTC/USDT", bid=Decimal(99), ask=Decimal(101), tick=Decimal("0.5"), lot=Decimal("0.1")
    )
    listing = msgspec.structs.replace(listing, **changes)
    return VenueLedger(ListedSymbols([listing]), {"USDT": Decimal(1000), "BTC": Decimal(5)}, count(1))


def asked(side="buy", amount="1", price=None, client_order_id="c1", **more):
    return NewOrder(
        id=more.pop("id", "BTCUSDT"),
        client_order_id=client_order_id,
        side=Side(side),
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        amount=amount and Decimal(amount),
        price=price and Decimal(price),
        **more,
    )


def balances(ledger):
    return {coin: (ledger.holdings.free[coin], ledger.holdings.locked[coin]) for coin in ("USDT", "BTC")}


@pytest.mark.parametrize(
    ("given", "status", "average"),
    [
        pytest.param(asked("buy"), Status.FILLED, 101, id="a market order buys at the ask"),
        pytest.param(asked("sell"), Status.FILLED, 99, id="a market order sells at the bid"),
        pytest.param(asked("buy", price="105"), Status.FILLED, 101, id="a limit that reaches the ask gets the ask"),
        pytest.param(asked("sell", price="99"), Status.FILLED, 99, id="a limit at the bid sells"),
        pytest.param(asked("buy", price="100.5"), Status.OPEN, None, id="a limit below the ask stays open"),
        pytest.param(asked("sell", price="99.5"), Status.OPEN, None, id="a limit above the bid stays open"),
        pytest.param(asked("buy", price="99", time_in_force="IOC"), Status.EXPIRED, None, id="one for now or never"),
        pytest.param(asked("buy", amount=None, cost=Decimal(110)), Status.FILLED, 101, id="one for what it may cost"),
    ],
)
def test_an_order_fills_at_once_or_stays_open(given, status, average):
    order = a_ledger().create(given, NOW_MS)
    assert order.status is status
    assert order.filled == (1 if average else 0)
    assert order.cost == (average or 0)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        pytest.param(asked(id="ETHUSDT"), VenueRejection.UNKNOWN_SYMBOL, id="a symbol nobody trades"),
        pytest.param(asked(amount="0"), VenueRejection.LOT_SIZE, id="nothing"),
        pytest.param(asked(amount="1.05"), VenueRejection.LOT_SIZE, id="a broken lot"),
        pytest.param(asked(price="100.3"), VenueRejection.PRICE_FILTER, id="a broken tick"),
        pytest.param(asked(price="505.5"), VenueRejection.PERCENT_PRICE, id="a price far above"),
        pytest.param(asked(price="20"), VenueRejection.PERCENT_PRICE, id="a price far below"),
        pytest.param(asked(amount="0.1", price="49.5"), VenueRejection.NOTIONAL, id="too little to bother"),
        pytest.param(asked(amount="9.9"), None, id="all the money"),
        pytest.param(asked(amount="10"), VenueRejection.INSUFFICIENT_BALANCE, id="more than the money"),
        pytest.param(asked("sell", amount="5"), None, id="all the coins"),
        pytest.param(asked("sell", amount="5.1"), VenueRejection.INSUFFICIENT_BALANCE, id="more than the coins"),
        pytest.param(asked(price="101", post_only=True), VenueRejection.POST_ONLY, id="a maker that would take"),
        pytest.param(asked(price="100", post_only=True), None, id="a maker that waits"),
        pytest.param(asked(amount=None), VenueRejection.BAD_PARAMETER, id="no amount"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_no_trace(given, refusal):
    ledger = a_ledger()
    answer = ledger.create(given, NOW_MS)
    assert (answer if isinstance(answer, VenueRejection) else None) is refusal
    assert len(ledger.orders) == (refusal is None)
    if refusal:
        assert balances(ledger) == {"USDT": (1000, 0), "BTC": (5, 0)}


def test_a_halted_symbol_is_closed():
    assert a_ledger(halted=True).create(asked(), NOW_MS) is VenueRejection.MARKET_CLOSED


def test_a_client_order_id_is_unique_among_open_orders_only():
    ledger = a_ledger()
    first = ledger.create(asked(price="100"), NOW_MS)
    assert ledger.create(asked(price="100"), NOW_MS) is VenueRejection.DUPLICATE_ID
    assert ledger.duplicates == {}
    ledger.fill(first, NOW_MS)
    second = ledger.create(asked(price="100"), NOW_MS)
    assert ledger.with_client_id("c1") == [first, second]
    assert ledger.duplicates == {"c1": 2}


def test_orders_without_a_client_order_id_are_no_duplicates():
    ledger = a_ledger()
    for _ in range(2):
        assert not isinstance(ledger.create(asked(price="100", client_order_id=""), NOW_MS), VenueRejection)
    assert ledger.duplicates == {}


def test_buying_pays_what_it_costs_and_its_fee_in_what_was_bought():
    ledger = a_ledger()
    ledger.create(asked("buy", price="105"), NOW_MS)
    assert balances(ledger) == {"USDT": (899, 0), "BTC": (Decimal("5.999"), 0)}


def test_selling_pays_its_fee_out_of_what_it_brings():
    ledger = a_ledger()
    ledger.create(asked("sell"), NOW_MS)
    assert balances(ledger) == {"USDT": (Decimal("1098.901"), 0), "BTC": (4, 0)}


def test_an_open_order_locks_what_it_needs_until_it_is_canceled():
    ledger = a_ledger()
    order = ledger.create(asked("buy", amount="2", price="100"), NOW_MS)
    assert balances(ledger)["USDT"] == (800, 200)
    ledger.fill(order, NOW_MS, amount=Decimal("0.5"))
    assert balances(ledger)["USDT"] == (800, 150)
    ledger.cancel(order, NOW_MS + 5)
    assert balances(ledger)["USDT"] == (950, 0)
    assert (order.status, order.filled, order.updated_at_ms) == (Status.CANCELED, Decimal("0.5"), NOW_MS + 5)


def test_a_price_that_comes_to_an_order_fills_it_at_its_own_price_as_a_maker():
    ledger = a_ledger()
    near, far = (ledger.create(asked(price=price, client_order_id=price), NOW_MS) for price in ("100", "90"))
    listing = ledger.listings["BTC/USDT"]
    listing.bid, listing.ask = Decimal(94), Decimal(95)
    ledger.reach(listing, NOW_MS + 1)
    assert (near.status, far.status) == (Status.FILLED, Status.OPEN)
    assert [(trade.price, trade.is_maker, trade.at_ms) for trade in ledger.trades] == [(100, True, NOW_MS + 1)]


@pytest.mark.parametrize("amount", ["0", "1.1"])
def test_no_more_is_filled_than_remains(amount):
    ledger = a_ledger()
    order = ledger.create(asked(price="100"), NOW_MS)
    with pytest.raises(ValueError, match="must be within what remains"):
        ledger.fill(order, NOW_MS, amount=Decimal(amount))


def test_an_order_that_is_over_does_not_fill():
    ledger = a_ledger()
    order = ledger.create(asked(), NOW_MS)
    with pytest.raises(ValueError, match="must be within what remains"):
        ledger.fill(order, NOW_MS, amount=Decimal(1))


def test_an_order_shows_when_its_lag_has_passed():
    ledger = a_ledger()
    order = ledger.create(asked(), NOW_MS, lag_ms=500)
    assert list(ledger.seen([order], NOW_MS + 499)) == []
    assert list(ledger.seen([order], NOW_MS + 500)) == [order]


@pytest.mark.parametrize(
    ("fate", "status", "filled", "entered"),
    [
        pytest.param(Fate.CUT, Status.CANCELED, 1, True, id="half of it is filled and the rest canceled"),
        pytest.param(Fate.PREVENTED, Status.PREVENTED, 0, True, id="it would trade with ourselves"),
        pytest.param(Fate.DROPPED, Status.OPEN, 0, False, id="it is acknowledged and forgotten"),
    ],
)
def test_a_good_order_may_have_another_fate(fate, status, filled, entered):
    ledger = a_ledger()
    order = ledger.create(asked(amount="2"), NOW_MS, fate=fate)
    assert (order.status, order.filled, list(ledger.orders.values())) == (status, filled, [order] * entered)
    assert not ledger.open
    assert balances(ledger)["USDT"] == (1000 - 101 * filled, 0)


def test_half_of_a_single_lot_is_nothing():
    order = a_ledger().create(asked(amount="0.1"), NOW_MS, fate=Fate.CUT)
    assert (order.status, order.filled) == (Status.CANCELED, 0)
