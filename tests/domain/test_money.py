"""What all accounts come to, held against sums of our own: in fractions, straight from the trades."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import order
from tidegate.domain import events as e
from tidegate.domain.book import Book
from tidegate.domain.market import Mark
from tidegate.domain.money import results_of
from tidegate.domain.order import Fill, OrderStatus
from tidegate.domain.signal import Side

BTC, ETH, CROSS = "BTC/USDT", "ETH/USDT", "ETH/BTC"
START = {"USDT": Decimal(100_000), "BTC": Decimal(2), "BNB": Decimal(5)}


def no_dust(*_):
    return False


def marks(**prices):
    return {symbol.replace("_", "/"): Mark(Decimal(price), 7) for symbol, price in prices.items()}


def traded(book, order_id, side, symbol, amount, price, fee="0", fee_currency="USDT", value=None, trader="paper"):
    """One order, filled at once."""
    amount, price = Decimal(amount), Decimal(price)
    request = order(side, amount, price, order_id, symbol=symbol, trader=trader)
    fill = Fill(
        trade_id=order_id,
        amount=amount,
        price=price,
        fee=Decimal(fee),
        fee_currency=fee_currency,
        fee_in_quote=None if value is None else Decimal(value),
    )
    book.apply(trader, request)
    book.apply(
        trader,
        e.Placed(client_order_id=order_id, venue_order_id="v", status=OrderStatus.CLOSED, fills=(fill,)),
        len(book.marks) + 1,
    )


def funded(**balances):
    book = Book()
    book.apply("paper", e.Funded(trader="paper", balances=balances or START))
    return book


def only(results, currency="USDT"):
    (money,) = [money for money in results.money if money.currency == currency]
    return money


def test_a_round_trip_that_lost_says_so():
    book = funded(USDT=Decimal(1000))
    traded(book, "in", Side.BUY, BTC, "0.01", "50000", fee="0.5")
    traded(book, "out", Side.SELL, BTC, "0.01", "42000", fee="0.42")
    results = results_of(book, book.marks, no_dust)
    it = only(results)
    assert (it.equity, it.cash, it.put_in) == (Decimal("919.08"), Decimal("919.08"), 1000)
    assert (it.realized, it.unrealized, it.change) == (Decimal("-80.92"), 0, Decimal("-80.92"))
    assert results.fees == {"USDT": Decimal("0.92")}


def test_what_is_held_is_worth_its_mark():
    book = funded(USDT=Decimal(1000))
    traded(book, "in", Side.BUY, BTC, "0.01", "50000", fee="0.5")
    results = results_of(book, marks(BTC_USDT="51000"), no_dust)
    it = only(results)
    assert (it.equity, it.cash) == (Decimal("1009.5"), Decimal("499.5"))
    assert (it.realized, it.unrealized) == (0, 510 - Decimal("500.5"))
    assert results.marks == marks(BTC_USDT="51000")
    (position,) = results.positions
    assert (position.entry, position.unrealized) == (50050, Decimal("9.5"))


def test_open_orders_set_cash_aside_and_take_nothing_away():
    book = funded(USDT=Decimal(1000))
    request = order(Side.BUY, "0.01", "30000")
    book.apply("paper", request)
    it = only(results_of(book, {}, no_dust))
    assert (it.equity, it.cash, it.set_aside) == (1000, 1000, 300)


def test_prices_that_moved_are_no_result_of_trading():
    book = funded(USDT=Decimal(1000), BTC=Decimal(1))
    it = only(results_of(book, marks(BTC_USDT="90000"), no_dust))
    assert (it.equity, it.put_in, it.change) == (91_000, 91_000, 0)


def test_what_a_venue_counts_otherwise_was_put_in_or_taken_out():
    book = funded(USDT=Decimal(1000))
    traded(book, "in", Side.BUY, BTC, "0.01", "50000")
    book.apply("paper", e.BalancesSynced(trader="paper", balances={"USDT": Decimal(400)}))
    it = only(results_of(book, marks(BTC_USDT="51000"), no_dust))
    assert (it.equity, it.put_in, it.change) == (910, 900, 10)


def test_each_quote_currency_has_its_own_figures_and_values_everything():
    book = funded(USDT=Decimal(60_000), BTC=Decimal(1))
    traded(book, "a", Side.BUY, CROSS, "4", "0.05", fee="0.002", fee_currency="BTC")
    results = results_of(book, marks(BTC_USDT="60000", ETH_BTC="0.06"), no_dust)
    assert [money.currency for money in results.money] == ["BTC", "USDT"]
    in_btc = only(results, "BTC")
    assert (in_btc.cash, in_btc.unrealized) == (Decimal("0.798"), Decimal("0.24") - Decimal("0.202"))
    assert in_btc.equity == Decimal("0.798") + Decimal("0.24") + 1
    in_usdt = only(results, "USDT")
    assert (in_usdt.unpriced, in_usdt.equity) == (["ETH"], 60_000 + Decimal("0.798") * 60_000)
    assert results.fees == {"BTC": Decimal("0.002")}


def test_what_has_no_price_is_named_and_left_out():
    book = funded(USDT=Decimal(1000), XYZ=Decimal(9))
    it = only(results_of(book, {BTC: Mark(Decimal(1), 1)}, no_dust))
    assert (it.equity, it.put_in, it.unpriced) == (1000, 1000, ["XYZ"])


def test_a_position_without_a_price_is_in_no_sum():
    book = funded(USDT=Decimal(1000))
    traded(book, "in", Side.BUY, BTC, "0.01", "50000")
    results = results_of(book, {}, no_dust)
    assert (only(results).unrealized, only(results).unpriced) == (0, ["BTC"])
    assert results.positions[0].unrealized is None


def test_before_anything_is_known_there_is_cash():
    assert [(m.currency, m.equity) for m in results_of(funded(EUR=Decimal(7)), {}, no_dust).money] == [("EUR", 7)]
    assert results_of(Book(), {}, no_dust).money == []


def test_dust_is_marked():
    book = funded()
    traded(book, "in", Side.BUY, BTC, "0.01", "50000")
    traded(book, "gone", Side.BUY, ETH, "1", "3000")
    traded(book, "out", Side.SELL, ETH, "1", "3000")
    found = results_of(book, book.marks, lambda *_: True).positions
    assert [(position.symbol, position.dust) for position in found] == [(BTC, True), (ETH, False)]


trades = st.tuples(
    st.sampled_from(["paper", "other"]),
    st.sampled_from([BTC, ETH]),
    st.booleans(),
    st.decimals("0.001", "2", places=4),
    st.decimals("100", "90000", places=2),
    st.decimals("0", "1", places=5),
    st.sampled_from(["USDT", "base", "BNB", "BNB?"]),
)


@given(st.lists(trades, max_size=25), st.decimals("1", "90000", places=2), st.decimals("1", "90000", places=2))
def test_the_figures_are_those_of_the_trades(history, btc, eth):
    """Only what was bought is sold, so that equity grows by the profit, whatever was there before."""
    book = funded()
    book.apply("other", e.Funded(trader="other", balances=START))
    held, cost, realized = Counter(), Counter(), Fraction(0)
    balances = Counter({currency: 2 * Fraction(amount) for currency, amount in START.items()})
    fees, valued, unvalued = Counter(), Fraction(0), Fraction(0)
    for number, (trader, symbol, buying, amount, price, fee, paid_in) in enumerate(history):
        base, place = symbol.partition("/")[0], (trader, symbol)
        if not buying:
            closable = held[place] - (Fraction(fee) if paid_in == "base" else 0)
            amount = min(amount, Decimal(int(closable * 10_000)) / 10_000)
            if amount <= 0:
                continue
        known, currency = paid_in != "BNB?", {"base": base, "BNB?": "BNB"}.get(paid_in, paid_in)
        value = "0.5" if paid_in == "BNB" else None
        side = Side.BUY if buying else Side.SELL
        traded(book, f"{number}", side, symbol, amount, price, str(fee), currency, value, trader)
        notional, sign = Fraction(amount) * Fraction(price), 1 if buying else -1
        balances[base] += sign * Fraction(amount)
        balances["USDT"] -= sign * notional
        balances[currency] -= Fraction(fee)
        fees[currency] += Fraction(fee)
        valued += Fraction(value or 0)
        unvalued += 0 if known else Fraction(fee)
        in_quote = Fraction(fee) if paid_in == "USDT" else Fraction(1, 2) if paid_in == "BNB" else 0
        in_base = Fraction(fee) if paid_in == "base" else 0
        if buying:
            held[place] += Fraction(amount) - in_base
            cost[place] += notional + in_quote
        else:
            closed = Fraction(amount) + in_base
            part = cost[place] * closed / held[place]
            realized += notional - in_quote - part
            held[place] -= closed
            cost[place] -= part
    results = results_of(book, marks(BTC_USDT=btc, ETH_USDT=eth, BNB_USDT="600"), no_dust)
    it = only(results)
    rate = {"USDT": Fraction(1), "BTC": Fraction(btc), "ETH": Fraction(eth), "BNB": Fraction(600)}
    mark = {BTC: Fraction(btc), ETH: Fraction(eth)}
    near = Fraction(1, 10**12)
    assert Fraction(it.equity) == sum(amount * rate[currency] for currency, amount in balances.items())
    assert Fraction(it.put_in) == 2 * sum(Fraction(amount) * rate[currency] for currency, amount in START.items())
    assert abs(Fraction(it.realized) - realized) < near
    assert abs(Fraction(it.unrealized) - sum(held[p] * mark[p[1]] - cost[p] for p in held)) < near
    assert {currency: Fraction(fee) for currency, fee in results.fees.items()} == +fees
    assert Fraction(results.unvalued_fees.get("BNB", 0)) == unvalued
    differently = valued - fees["BNB"] * 600  # what fees in BNB were worth when they were paid, and are worth now
    assert abs(Fraction(it.change) - (Fraction(it.realized) + Fraction(it.unrealized) + differently)) < near
