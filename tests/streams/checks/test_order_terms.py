from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.checks.balance import balance
from streams.checks.check import first_objection
from streams.checks.minimum import minimum
from streams.checks.order_terms import order_terms
from tidegate.domain.account import Account
from tidegate.domain.market import MarketRules, Quote
from tidegate.domain.order import Fill, OrderRequest
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Side, Signal
from tidegate.domain.terms import PerQuote, Pricing, Sizing, Terms
from tidegate.domain.verdict import Refusal

RULES = MarketRules(
    "BTC/USDT", tick=Decimal("0.5"), lot=Decimal("0.01"), min_notional=Decimal(10), taker_fee=Decimal("0.001")
)
QUOTE = Quote("BTC/USDT", 1, bid=Decimal(99), ask=Decimal(100), depth=Decimal(1))


def funded(held="0", **balances) -> Account:
    """An account with `balances`, and `held` BTC that it bought itself for nothing."""
    account = Account()
    account.fund({currency: Decimal(amount) for currency, amount in (balances or {"USDT": "1000"}).items()})
    if Decimal(held):
        account.reserve(order(Side.BUY, Decimal(held)))
        account.fill(
            "o", Fill(trade_id="t", amount=Decimal(held), price=Decimal(0), fee=Decimal(0), fee_currency="USDT")
        )
        account.release("o")
    return account


def order(side: Side, amount: Decimal, reserved=Decimal(0)) -> OrderRequest:
    return OrderRequest(
        client_order_id="o",
        trader="paper",
        symbol="BTC/USDT",
        side=side,
        order_type=OrderType.LIMIT,
        amount=amount,
        price=Decimal(1),
        attempt=1,
        reserved=reserved,
    )


def _terms_of(
    situation,
    side=Side.BUY,
    *,
    account=None,
    quote=QUOTE,
    rules=RULES,
    default=OrderType.LIMIT,
    sell_holdings=False,
    at_most=None,
    **said,
):
    sizing = Sizing(PerQuote(Decimal(50)), sell_holdings=sell_holdings)
    numbers = {name: Decimal(said.pop(name)) for name in ("price", "quantity") if name in said}
    signal = Signal(id="s", content=b"", raw=b"", symbol="BTC/USDT", side=side, **numbers, **said)
    first = None if at_most is None else order(side, at_most)
    there = situation(signal, quote=quote, rules=rules, account=account or funded(), first=first)
    return first_objection((order_terms(sizing, Pricing(default)), minimum, balance), signal, there) or there.terms


@pytest.fixture(scope="module")
def terms_of(situation):
    """The terms of an order, or what the checks that make and measure them object to."""
    return partial(_terms_of, situation)


def test_an_amount_of_money_is_that_of_its_currency():
    money = PerQuote(Decimal(50), {"BTC": Decimal("0.001")})
    assert (money.of("BTC"), money.of("USDT")) == (Decimal("0.001"), 50)


def test_buying_spends_the_notional_at_the_best_price_and_sets_the_fee_aside(terms_of):
    assert terms_of() == Terms(
        OrderType.LIMIT, Decimal("0.5"), Decimal(100), Decimal(50), Decimal("50.05"), least=Decimal("0.1")
    )


def test_selling_asks_for_the_bid_and_sets_the_amount_aside(terms_of):
    terms = terms_of(Side.SELL, account=funded(held="0.3"))
    assert terms == Terms(
        OrderType.LIMIT, Decimal("0.3"), Decimal(99), Decimal("29.7"), Decimal("0.3"), least=Decimal("0.11")
    )


@pytest.mark.parametrize(
    ("account", "said", "amount", "cut_from"),
    [
        pytest.param(funded(held="2"), {}, "2", None, id="all that our trades hold"),
        pytest.param(funded(held="2", BTC="5"), {}, "2", None, id="not what was there before"),
        pytest.param(funded(held="2"), {"quantity": "0.7"}, "0.7", None, id="the quantity that the signal says"),
        pytest.param(funded(held="2"), {"quantity": "70"}, "2", "70", id="cut to what our trades hold"),
        pytest.param(funded(held="2", BTC="50"), {"quantity": "9"}, "2", "9", id="whatever else is there"),
        pytest.param(funded(held="2", BTC="-1.5"), {}, "0.5", "2", id="cut to what is free"),
        pytest.param(funded(held="0.777"), {}, "0.77", None, id="whole lots"),
        pytest.param(funded(held="2"), {"quantity": "0.777"}, "0.77", None, id="rounding to lots is no cut"),
    ],
)
def test_selling_closes(terms_of, account, said, amount, cut_from):
    terms = terms_of(Side.SELL, account=account, **said)
    assert (terms.amount, terms.cut_from, terms.own_coins) == (
        Decimal(amount), cut_from and Decimal(cut_from), False
    )  # fmt: skip


@pytest.mark.parametrize(
    ("account", "said", "amount", "cut_from", "own_coins"),
    [
        pytest.param(funded(held="2", BTC="5"), {}, "2", None, False, id="all that our trades hold comes first"),
        pytest.param(funded(BTC="5"), {}, "0.50", None, True, id="where they hold nothing, what the notional buys"),
        pytest.param(funded(held="0.009", BTC="5"), {}, "0.50", None, True, id="dust is nothing to close"),
        pytest.param(funded(BTC="0.2"), {}, "0.2", "0.505", True, id="cut to what is free"),
        pytest.param(funded(held="2", BTC="5"), {"quantity": "1"}, "1", None, False, id="closing, by its quantity"),
        pytest.param(funded(held="2", BTC="5"), {"quantity": "6"}, "6", None, True, id="beyond what our trades hold"),
        pytest.param(funded(held="2", BTC="5"), {"quantity": "9"}, "7", "9", True, id="cut to all there is"),
    ],
)
def test_with_sell_holdings_the_accounts_own_coins_are_sold_too(terms_of, account, said, amount, cut_from, own_coins):
    terms = terms_of(Side.SELL, account=account, sell_holdings=True, **said)
    cut = terms.cut_from and round(terms.cut_from, 3)
    assert (terms.amount, cut, terms.own_coins) == (Decimal(amount), cut_from and Decimal(cut_from), own_coins)


@pytest.mark.parametrize(
    ("held", "said", "amount", "cut_from"),
    [
        pytest.param("3.6", {}, "1.8", None, id="what was bought since is not sold along"),
        pytest.param("1.2", {}, "1.2", "1.8", id="what was sold since is gone"),
        pytest.param("3.6", {"quantity": "9"}, "1.8", "9", id="what was cut then stays cut"),
    ],
)
def test_another_attempt_sells_no_more_than_the_first(terms_of, held, said, amount, cut_from):
    terms = terms_of(Side.SELL, account=funded(held=held), at_most=Decimal("1.8"), **said)
    assert (terms.amount, terms.cut_from) == (Decimal(amount), cut_from and Decimal(cut_from))


def test_what_open_orders_sell_is_not_sold_again(terms_of):
    account = funded(held="2")
    account.reserve(order(Side.SELL, Decimal("1.5"), reserved=Decimal("1.5")))
    assert terms_of(Side.SELL, account=account).amount == Decimal("0.5")


@pytest.mark.parametrize(
    ("account", "sell_holdings", "measured"),
    [
        pytest.param(funded(), False, "0", id="nothing"),
        pytest.param(funded(held="0.009"), False, "0.009", id="less than a lot"),
        pytest.param(funded(BTC="9"), False, "0", id="only what the account had"),
        pytest.param(funded(held="0.009", BTC="9"), False, "0.009", id="less than a lot, and what the account had"),
        pytest.param(funded(BTC="0.009"), True, "0.009", id="less than a lot of its own"),
    ],
)
def test_where_our_trades_hold_nothing_there_is_no_position(terms_of, account, sell_holdings, measured):
    for said in ({}, {"quantity": Decimal("0.5")}):
        refusal = terms_of(Side.SELL, account=account, sell_holdings=sell_holdings, **said)
        assert refusal == Refusal(Reason.NO_POSITION, measured=measured, limit="0.01")


@pytest.mark.parametrize(
    ("said", "default", "order_type", "price"),
    [
        pytest.param({}, OrderType.LIMIT, OrderType.LIMIT, "100", id="by default as the settings say"),
        pytest.param({}, OrderType.MARKET, OrderType.MARKET, None, id="by default a market order has no price"),
        pytest.param({"price": "90"}, OrderType.MARKET, OrderType.LIMIT, "90", id="a price makes it a limit order"),
        pytest.param({"order_type": OrderType.LIMIT}, OrderType.MARKET, OrderType.LIMIT, "100", id="the signal's type"),
        pytest.param(
            {"order_type": OrderType.MARKET, "price": "90"}, OrderType.LIMIT, OrderType.MARKET, None, id="before all"
        ),
        pytest.param({"price": "90.3"}, OrderType.LIMIT, OrderType.LIMIT, "90.5", id="a named price, in whole ticks"),
    ],
)
def test_what_the_signal_says_comes_before_the_settings(terms_of, said, default, order_type, price):
    terms = terms_of(default=default, **said)
    assert (terms.order_type, terms.price) == (order_type, price and Decimal(price))


@pytest.mark.parametrize(
    ("side", "price"),
    [
        pytest.param(Side.BUY, "100.5", id="not below the ask"),
        pytest.param(Side.SELL, "99.5", id="not above the bid"),
    ],
)
def test_the_best_price_between_ticks_still_trades_at_once(terms_of, side, price):
    quote = Quote("BTC/USDT", 1, bid=Decimal("99.9"), ask=Decimal("100.1"), depth=Decimal(1))
    assert terms_of(side, quote=quote, account=funded(held="1", USDT="100")).price == Decimal(price)


def test_a_market_order_sets_one_percent_more_aside(terms_of):
    assert terms_of(order_type=OrderType.MARKET).reserved == Decimal("50.05") * Decimal("1.01")


def test_the_least_that_may_be_sold_is_a_lot(terms_of):
    rules = MarketRules("BTC/USDT", tick=Decimal("0.5"), lot=Decimal("0.2"), min_notional=Decimal(10))
    assert terms_of(Side.SELL, account=funded(held="0.2"), rules=rules).amount == Decimal("0.2")


def test_the_least_that_may_be_spent_is_the_minimum(terms_of):
    assert terms_of(quantity="0.1").notional == RULES.min_notional


def test_no_lot_at_all_is_refused_also_where_there_is_no_minimum(terms_of):
    rules = MarketRules("BTC/USDT", tick=Decimal("0.5"), lot=Decimal("0.2"), min_notional=Decimal(0))
    assert terms_of(quantity="0.1", rules=rules).reason is Reason.BELOW_MINIMUM


@pytest.mark.parametrize(
    ("said", "measured", "limit"),
    [
        pytest.param({"quantity": "0.09"}, "9.00", "10", id="a quantity that costs too little"),
        pytest.param({"quantity": "0.009"}, "0.00", "10", id="a quantity of no lot at all"),
        pytest.param({"price": "0.1"}, "0.1", "0.5", id="a price of no tick at all"),
    ],
)
def test_too_little_is_refused(terms_of, said, measured, limit):
    assert terms_of(**said) == Refusal(Reason.BELOW_MINIMUM, measured=measured, limit=limit)


def test_buying_may_take_all_that_is_free(terms_of):
    assert terms_of(account=funded(USDT="50.05")).reserved == Decimal("50.05")


def test_buying_takes_no_more_than_is_free(terms_of):
    refusal = terms_of(account=funded(USDT="50.04"))
    assert (refusal.reason, refusal.measured) == (Reason.INSUFFICIENT_BALANCE, "50.04")
    assert Decimal(refusal.limit) == Decimal("50.05")


positive = st.decimals(min_value="0.00000001", max_value=10**6, places=8)
steps = st.sampled_from([Decimal(digit).scaleb(exponent) for digit in (1, 2, 5) for exponent in range(-8, 2)])


@given(
    side=st.sampled_from([Side.BUY, Side.SELL]),
    bid=positive,
    spread=st.decimals(min_value=0, max_value=10, places=8),
    said=st.fixed_dictionaries(
        {},
        optional={"price": positive, "quantity": positive, "order_type": st.sampled_from(OrderType)},
    ),
    tick=steps,
    lot=steps,
    balances=st.fixed_dictionaries({"USDT": positive, "BTC": positive}),
    held=positive,
    sell_holdings=st.booleans(),
    at_most=st.none() | positive,
)
def test_whatever_is_asked_the_terms_fit_the_rules_and_the_account(
    terms_of, side, bid, spread, said, tick, lot, balances, held, sell_holdings, at_most
):
    quote = Quote("BTC/USDT", 1, bid, bid + spread, Decimal(1))
    rules = MarketRules("BTC/USDT", tick, lot, Decimal(5), taker_fee=Decimal("0.001"))
    account = funded(held=held, **balances)
    at_most = at_most and rules.round_amount(at_most)
    terms = terms_of(
        side, quote=quote, rules=rules, account=account, sell_holdings=sell_holdings, at_most=at_most, **said
    )
    if isinstance(terms, Refusal):
        return
    best = quote.ask if side is Side.BUY else quote.bid
    assert terms.amount > 0
    assert terms.amount % lot == 0
    assert terms.notional == terms.amount * (terms.price or best) >= rules.min_notional
    assert (terms.price is None) is (terms.order_type is OrderType.MARKET)
    if terms.price is not None:
        assert terms.price > 0
        assert terms.price % tick == 0
        assert "price" in said or (terms.price >= best if side is Side.BUY else terms.price <= best)
    if "quantity" in said:
        assert terms.amount <= said["quantity"]
    elif side is Side.BUY:
        assert terms.notional <= 50
    if side is Side.BUY:
        assert terms.notional < terms.reserved <= account.free("USDT")
    else:
        assert terms.reserved == terms.amount <= account.free("BTC")
        assert terms.own_coins is (terms.amount > held)
        assert sell_holdings or not terms.own_coins
        assert not at_most or terms.amount <= at_most
    assert terms.least % lot == 0
    assert terms.amount >= terms.least
    assert (terms.least - lot) * (terms.price or best) < rules.min_notional or terms.least == lot
