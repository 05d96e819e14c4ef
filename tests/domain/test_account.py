from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests import builders
from tidegate.domain.account import Account, Holding
from tidegate.domain.market import MarketRules, base_of, quote_of
from tidegate.domain.order import Fill, OrderRequest
from tidegate.domain.signal import Side

SYMBOLS = ("BTC/USDT", "ETH/USDT", "ETH/BTC")
CURRENCIES = ("BTC", "ETH", "USDT", "BNB")
FUNDS = {"USDT": Decimal(10_000), "BTC": Decimal(2)}


def funded(**balances) -> Account:
    account = Account()
    account.fund({currency: Decimal(amount) for currency, amount in (balances or FUNDS).items()})
    return account


def order(side=Side.BUY, amount="1", price="1000", **named) -> OrderRequest:
    return builders.order(side, amount, price, **named)


def trade(amount="1", price="1000", fee="0", fee_currency="USDT") -> Fill:
    return builders.fill("t", amount, price, fee, fee_currency)


def money(account: Account, currency: str) -> tuple[Decimal, Decimal, Decimal]:
    balance = account.balances[currency]
    return balance.total, balance.locked, balance.free


def test_funds_add_up():
    account = funded(USDT="10")
    account.fund({"USDT": Decimal(5), "BTC": Decimal(1)})
    assert (account.free("USDT"), account.free("BTC"), account.free("ETH")) == (15, 1, 0)


@pytest.mark.parametrize(
    ("side", "currency", "locked"),
    [
        pytest.param(Side.BUY, "USDT", 1001, id="buying sets the quote currency aside"),
        pytest.param(Side.SELL, "BTC", 1, id="selling sets the base currency aside"),
    ],
)
def test_an_order_sets_its_capital_aside(side, currency, locked):
    account = funded()
    account.reserve(order(side, reserved=str(locked)))
    assert money(account, currency) == (FUNDS[currency], locked, FUNDS[currency] - locked)


def test_the_same_order_is_set_aside_once():
    account = funded()
    account.reserve(order())
    account.fill("o", trade("0.5"))
    account.reserve(order())
    assert money(account, "USDT") == (9500, 500, 9000)
    assert account.orders["o"].filled == Decimal("0.5")


def test_an_order_that_never_was_gives_everything_back():
    account = funded()
    account.reserve(order())
    assert account.release("o").symbol == "BTC/USDT"
    assert money(account, "USDT") == (10_000, 0, 10_000)
    assert not account.orders


def test_releasing_twice_changes_nothing():
    account = funded()
    account.reserve(order())
    account.release("o")
    assert account.release("o") is None
    assert account.free("USDT") == 10_000


def test_a_fill_of_no_open_order_is_an_error_and_changes_nothing():
    account = funded()
    with pytest.raises(KeyError):
        account.fill("o", trade())
    assert account.image() == funded().image()


@pytest.mark.parametrize(
    ("side", "usdt", "btc"),
    [
        pytest.param(Side.BUY, 8999, 3, id="bought"),
        pytest.param(Side.SELL, 10_999, 1, id="sold"),
    ],
)
def test_a_fill_books_both_currencies_and_the_fee(side, usdt, btc):
    account = funded()
    account.reserve(order(side, reserved="1001" if side is Side.BUY else "1"))
    account.fill("o", trade(fee="1"))
    assert (account.free("USDT"), account.free("BTC")) == (usdt, btc)


def test_a_fee_in_a_third_currency_is_taken_there():
    account = funded(USDT="1000", BNB="1")
    account.reserve(order())
    account.fill("o", trade(fee="0.25", fee_currency="BNB"))
    assert (account.free("BNB"), account.holdings["BTC/USDT"].cost) == (Decimal("0.75"), 1000)


def test_a_partial_fill_unlocks_what_it_spent():
    account = funded()
    account.reserve(order(amount="3", price="1000", reserved="3003"))
    account.fill("o", trade("1", "900", fee="1"))
    assert money(account, "USDT") == (9099, 2102, 6997)
    opened = account.orders["o"]
    assert (opened.filled, opened.remaining, opened.trades, opened.reserved) == (1, 2, 1, 2102)


def test_the_last_fill_unlocks_the_rest():
    account = funded()
    account.reserve(order(amount="3", reserved="3003"))
    account.fill("o", trade("1", "900"))
    account.fill("o", trade("2", "900"))
    assert money(account, "USDT") == (7300, 0, 7300)
    assert account.orders["o"].trades == 2


def test_a_fill_dearer_than_what_was_set_aside_unlocks_no_more_than_that():
    account = funded()
    account.reserve(order(amount="2", reserved="2000"))
    account.fill("o", trade("1", "2500"))
    assert money(account, "USDT") == (7500, 0, 7500)


def test_parts_that_do_not_divide_leave_nothing_locked():
    account = funded(USDT="12345678.5")
    account.reserve(order(amount="0.7", price="60000", reserved="42042", order_id="a"))
    account.reserve(order(amount="3", price="1.7", reserved="5.2", order_id="b"))
    for order_id, amount in (("a", "0.1"), ("b", "1.1"), ("a", "0.2"), ("a", "0.4"), ("b", "1.9")):
        account.fill(order_id, trade(amount, "1.7"))
    assert account.balances["USDT"].locked == 0


@pytest.mark.parametrize(
    ("fee", "fee_currency", "amount", "cost"),
    [
        pytest.param("2", "USDT", "1", "1002", id="a fee in the quote currency raises the cost"),
        pytest.param("0.01", "BTC", "0.99", "1000", id="a fee in the base currency lessens the amount"),
    ],
)
def test_what_is_bought_is_held_at_its_cost(fee, fee_currency, amount, cost):
    account = funded()
    account.reserve(order())
    account.fill("o", trade(fee=fee, fee_currency=fee_currency))
    holding = account.holdings["BTC/USDT"]
    assert (account.held("BTC/USDT"), holding.cost, holding.realized) == (Decimal(amount), Decimal(cost), 0)


def test_selling_half_takes_half_the_profit():
    account = funded()
    account.reserve(order(amount="2"))
    account.fill("o", trade("2", fee="2"))
    account.reserve(order(Side.SELL, "1", order_id="s"))
    account.fill("s", trade("1", "1500", fee="3"))
    holding = account.holdings["BTC/USDT"]
    assert (holding.amount, holding.cost, holding.realized) == (1, 1001, 1500 - 3 - 1001)


def test_selling_more_than_was_bought_takes_profit_on_that_only():
    account = funded()
    account.reserve(order(amount="1"))
    account.fill("o", trade("1"))
    account.reserve(order(Side.SELL, "2", order_id="s"))
    account.fill("s", trade("2", "1500", fee="4"))
    holding = account.holdings["BTC/USDT"]
    assert (holding.amount, holding.cost, holding.realized) == (0, 0, 1500 - 2 - 1000)


def test_a_fee_in_the_sold_currency_lessens_what_is_held():
    account = funded()
    account.reserve(order(amount="2"))
    account.fill("o", trade("2"))
    account.reserve(order(Side.SELL, "1", order_id="s"))
    account.fill("s", trade("1", "1500", fee="0.5", fee_currency="BTC"))
    holding = account.holdings["BTC/USDT"]
    assert (holding.amount, holding.cost, holding.realized) == (Decimal("0.5"), 500, 1500 - 1500)


def test_selling_what_was_never_bought_holds_nothing():
    account = funded()
    account.reserve(order(Side.SELL))
    account.fill("o", trade())
    assert account.held("BTC/USDT") == 0
    assert account.holdings["BTC/USDT"].realized == 0


def test_what_was_never_traded_is_not_held():
    assert funded().held("BTC/USDT") == 0


def third(value: str | None, **said) -> Fill:
    """A trade whose fee is a thousandth of a BNB, worth `value` USDT, if that was known."""
    traded = trade(**{"amount": "1", "price": "1000", **said}, fee="0.001", fee_currency="BNB")
    return replace(traded, fee_in_quote=value and Decimal(value))


def test_a_fee_in_a_third_currency_counts_by_its_value_where_that_is_known():
    account = funded(USDT="10000", BNB="1")
    account.reserve(order(amount="2", order_id="o"))
    account.fill("o", third("0.6", amount="2"))
    account.reserve(order(Side.SELL, "1", order_id="s"))
    account.fill("s", third("0.7", price="1500"))
    holding = account.holdings["BTC/USDT"]
    assert (holding.cost, holding.realized) == (Decimal("1000.3"), 1500 - Decimal("0.7") - Decimal("1000.3"))
    assert (account.free("BNB"), account.fees, account.unvalued_fees) == (
        Decimal("0.998"), {"BNB": Decimal("0.002")}, {}
    )  # fmt: skip


def test_one_whose_value_is_not_known_counts_apart():
    account = funded(USDT="10000", BNB="1")
    account.reserve(order())
    account.fill("o", third(None))
    assert account.holdings["BTC/USDT"].cost == 1000
    assert account.unvalued_fees == account.fees == {"BNB": Decimal("0.001")}


def test_fees_are_added_up_by_the_currency_they_were_paid_in():
    account = funded(USDT="10000", BTC="1", BNB="1")
    account.reserve(order(amount="9", price="1"))
    for fee, currency in (("1.5", "USDT"), ("0.25", "USDT"), ("0.001", "BTC"), ("-0.5", "USDT"), ("0", "BNB")):
        account.fill("o", trade("1", "1", fee, currency))
    assert account.fees == {"USDT": Decimal("1.25"), "BTC": Decimal("0.001")}
    assert account.unvalued_fees == {}


def test_what_was_put_in_is_all_that_trades_do_not_explain():
    account = funded(USDT="10000")
    account.reserve(order())
    account.fill("o", trade(fee="1"))
    account.count({"USDT": Decimal(9500), "BTC": Decimal("0.75"), "ETH": Decimal(3)})
    assert account.put_in == {"USDT": 10_000 + 501, "BTC": Decimal("-0.25"), "ETH": 3}
    assert account.free("USDT") == 9500


@pytest.mark.parametrize(
    ("amount", "least", "rules", "price", "dust"),
    [
        pytest.param("0.009", None, True, "100", True, id="less than a lot"),
        pytest.param("0.05", None, True, "100", True, id="worth too little"),
        pytest.param("0.05", "0.01", True, "100", True, id="the venue's word comes first"),
        pytest.param("0.1", None, True, "100", False, id="just enough"),
        pytest.param("0.05", None, True, "300", False, id="enough at another price"),
        pytest.param("0.05", "0.1", True, None, True, id="without a price as at the last order"),
        pytest.param("0.05", "0.01", False, "100", False, id="without rules as at the last order"),
        pytest.param("0.001", None, False, "100", False, id="where nothing is known it is a position"),
    ],
)
def test_what_is_too_small_to_be_sold_is_dust(amount, least, rules, price, dust):
    takes = MarketRules("BTC/USDT", tick=Decimal(1), lot=Decimal("0.01"), min_notional=Decimal(10))
    holding = Holding(Decimal(amount), least=least and Decimal(least))
    assert holding.is_dust(takes if rules else None, price and Decimal(price)) is dust


def test_a_holding_knows_the_least_amount_of_its_last_order():
    account = funded()
    for order_id, least in (("a", "0.01"), ("b", "0.02"), ("c", None)):
        account.reserve(replace(order(order_id=order_id), least=least and Decimal(least)))
        account.fill(order_id, trade())
    assert account.holdings["BTC/USDT"].least == Decimal("0.02")


def test_an_image_brings_the_whole_account_back():
    account = funded()
    account.fund({"BNB": Decimal(1)})
    account.reserve(order(order_id="f"))
    account.fill("f", third(None))
    account.reserve(order(amount="3", reserved="3003"))
    account.reserve(order(Side.SELL, "0.5", order_id="s"))
    account.fill("o", trade("1", "900", fee="1"))
    copy = Account.from_image(account.image())
    assert (copy.balances, copy.holdings, copy.orders) == (account.balances, account.holdings, account.orders)
    assert (copy.put_in, copy.fees, copy.unvalued_fees) == (account.put_in, account.fees, account.unvalued_fees)
    assert account.put_in
    assert account.unvalued_fees
    assert account.without([]).image() == account.image()
    copy.fill("o", trade("1"))
    assert account.orders["o"].filled == 1


amounts = st.decimals(min_value="0.00000001", max_value=10**4, places=8)
prices = st.decimals(min_value="0.0001", max_value=10**5, places=4)
steps = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(SYMBOLS), st.sampled_from([Side.BUY, Side.SELL]), amounts, prices),
    st.tuples(st.just("fill"), st.integers(0, 9), st.integers(1, 1_000), prices, st.sampled_from(CURRENCIES)),
    st.tuples(st.just("release"), st.integers(0, 9)),
)


@given(st.lists(steps, max_size=40))
def test_whatever_happens_value_only_moves_and_nothing_locked_is_forgotten(history):
    account = funded(USDT="1000000", BTC="100", ETH="100", BNB="100")
    expected = Counter({currency: balance.total for currency, balance in account.balances.items()})
    for number, (kind, *details) in enumerate(history):
        if kind == "order":
            symbol, side, amount, price = details
            account.reserve(order(side, amount, price, order_id=f"{number}", symbol=symbol))
        elif account.orders:
            order_id = list(account.orders)[details[0] % len(account.orders)]
            if kind == "release":
                account.release(order_id)
                continue
            _, part, price, fee_currency = details
            opened = account.orders[order_id]
            sign = 1 if opened.side is Side.BUY else -1
            amount = (opened.remaining * part / 1000).quantize(Decimal("1e-8")) or opened.remaining
            account.fill(order_id, trade(amount, price, "0.001", fee_currency))
            expected[base_of(opened.symbol)] += sign * amount
            expected[quote_of(opened.symbol)] -= sign * amount * price
            expected[fee_currency] -= Decimal("0.001")
            if not opened.remaining:
                assert opened.reserved == 0
                account.release(order_id)
        locked = Counter()
        for opened in account.orders.values():
            locked[opened.currency] += opened.reserved
            assert 0 <= opened.filled <= opened.amount
            assert opened.reserved >= 0
        for currency, balance in account.balances.items():
            assert balance.total == expected[currency]
            assert balance.locked == locked[currency]
            assert balance.free == balance.total - balance.locked
    for order_id in list(account.orders):
        account.release(order_id)
    assert all(balance.locked == 0 for balance in account.balances.values())


def holding_three():
    """Our trades hold 3 BTC; one sale of 2 rests, of which 0.5 was filled."""
    account = funded()
    account.reserve(order(Side.BUY, "3", order_id="bought"))
    account.fill("bought", trade("3"))
    account.release("bought")
    account.reserve(order(Side.SELL, "2", order_id="resting"))
    account.fill("resting", trade("0.5"))
    return account


def test_what_a_resting_sale_closes_is_not_closed_again_until_it_is_over():
    account = holding_three()
    assert (account.held("BTC/USDT"), account.closable("BTC/USDT")) == (Decimal("2.5"), Decimal(1))
    account.release("resting")
    assert account.closable("BTC/USDT") == Decimal("2.5")


def test_an_image_keeps_what_resting_sales_close():
    account = Account.from_image(holding_three().image())
    assert account.closable("BTC/USDT") == Decimal(1)
    account.release("resting")
    assert account.closable("BTC/USDT") == Decimal("2.5")


def test_a_trade_moves_the_currencies_it_was_in_and_paid_its_fee_in():
    account = funded(USDT="10000", BTC="1", BNB="1")
    account.reserve(order(amount="2"))
    before = account.moves()
    account.fill("o", trade("1"))
    once = account.moves()
    account.fill("o", third(None))
    twice = account.moves()
    moved = [{c for c in CURRENCIES if now[c] != then[c]} for then, now in ((before, once), (once, twice))]
    assert moved == [{"BTC", "USDT"}, {"BTC", "USDT", "BNB"}]
