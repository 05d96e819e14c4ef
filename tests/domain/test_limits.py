from decimal import Decimal

import pytest

from tests.builders import order, signal
from tidegate.domain.account import Holding
from tidegate.domain.book import Book
from tidegate.domain.limits import Limits, refuse_beyond
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Side
from tidegate.domain.terms import PerQuote, Terms
from tidegate.domain.verdict import Refusal

LIMITS = Limits(max_open_positions=2, max_order_notional=PerQuote(Decimal(1000), {"BTC": Decimal("0.1")}))


def terms(notional="100", *, own_coins=False) -> Terms:
    cost = Decimal(notional)
    return Terms(OrderType.LIMIT, Decimal(1), cost, cost, cost, Decimal(1), own_coins=own_coins)


def no_dust(*_) -> bool:
    return False


def book_with_orders_of(*symbols: str) -> Book:
    book = Book()
    for number, symbol in enumerate(symbols):
        book.reserve(order(price="1", order_id=f"{number}", trader=f"account {number}", symbol=symbol))
    return book


@pytest.mark.parametrize(
    ("symbol", "notional", "refusal"),
    [
        pytest.param("SOL/USDT", "1000", None, id="as much as is allowed"),
        pytest.param(
            "SOL/USDT", "1000.01", Refusal(Reason.NOTIONAL_LIMIT, measured="1000.01", limit="1000"), id="a cent more"
        ),
        pytest.param("ETH/BTC", "0.1", None, id="as much of a named quote currency"),
        pytest.param(
            "ETH/BTC", "0.2", Refusal(Reason.NOTIONAL_LIMIT, measured="0.2", limit="0.1"), id="more of a named one"
        ),
    ],
)
def test_an_order_costs_at_most_what_its_quote_currency_allows(symbol, notional, refusal):
    assert refuse_beyond(LIMITS, signal(symbol), terms(notional), Book(), no_dust) == refusal


@pytest.mark.parametrize(
    ("open_symbols", "refusal"),
    [
        pytest.param([], None, id="the first position"),
        pytest.param(["BTC/USDT"], None, id="the last one allowed"),
        pytest.param(
            ["BTC/USDT", "ETH/USDT"], Refusal(Reason.POSITION_LIMIT, measured=3, limit=2), id="one more than allowed"
        ),
        pytest.param(["BTC/USDT", "BTC/USDT"], None, id="a symbol in two accounts is one position"),
        pytest.param(["BTC/USDT", "SOL/USDT"], None, id="more of what is open already"),
    ],
)
def test_so_many_symbols_may_be_open_at_once(open_symbols, refusal):
    assert refuse_beyond(LIMITS, signal("SOL/USDT"), terms(), book_with_orders_of(*open_symbols), no_dust) == refusal


@pytest.mark.parametrize(
    ("own_coins", "notional", "reason"),
    [
        pytest.param(False, "1000000", None, id="closing is never held back"),
        pytest.param(True, "1000", None, id="selling the account's own coins opens no position"),
        pytest.param(True, "1000.01", Reason.NOTIONAL_LIMIT, id="and costs no more than an order may"),
    ],
)
def test_only_closing_passes_every_limit(own_coins, notional, reason):
    full = book_with_orders_of("BTC/USDT", "ETH/USDT")
    refusal = refuse_beyond(LIMITS, signal("SOL/USDT", Side.SELL), terms(notional, own_coins=own_coins), full, no_dust)
    assert (refusal and refusal.reason) == reason


@pytest.mark.parametrize(
    ("dust", "being_bought", "symbol", "positions"),
    [
        pytest.param((), (), "SOL/USDT", 3, id="nothing is dust"),
        pytest.param(("BTC/USDT",), (), "SOL/USDT", None, id="dust counts nowhere"),
        pytest.param(("BTC/USDT",), ("BTC/USDT",), "SOL/USDT", 3, id="dust of what is being bought"),
        pytest.param(("BTC/USDT",), ("XRP/USDT",), "BTC/USDT", 3, id="what is dust is opened anew"),
        pytest.param((), (), "BTC/USDT", None, id="more of what is open"),
    ],
)
def test_what_is_too_small_to_be_sold_is_no_position(dust, being_bought, symbol, positions):
    book = book_with_orders_of(*being_bought)
    for held in ("BTC/USDT", "ETH/USDT"):
        book.account("paper").holdings[held] = Holding(Decimal(1))
    book = Book(book.accounts)

    def is_dust(trader, symbol, holding):
        assert (trader, holding.amount) == ("paper", 1)
        return symbol in dust

    refusal = refuse_beyond(LIMITS, signal(symbol), terms(), book, is_dust)
    assert refusal == (positions and Refusal(Reason.POSITION_LIMIT, measured=positions, limit=2))


def test_below_the_limit_nobody_asks_what_is_dust():
    book = book_with_orders_of("BTC/USDT")
    assert refuse_beyond(LIMITS, signal("SOL/USDT"), terms(), book, no_dust) is None
    book.account("paper").holdings["BTC/USDT"] = Holding(Decimal(1))

    def asked(*_):
        raise AssertionError("asked")

    assert refuse_beyond(LIMITS, signal("SOL/USDT"), terms(), Book(book.accounts), asked) is None
