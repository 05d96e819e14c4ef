from decimal import Decimal

import pytest

from domain.book import Book
from domain.limits import Limits, refuse_beyond
from domain.order import OrderRequest
from domain.reasons import Reason
from domain.signal import OrderType, Side, Signal
from domain.terms import PerQuote, Terms
from domain.verdict import Refusal

LIMITS = Limits(max_open_positions=2, max_order_notional=PerQuote(Decimal(1000), {"BTC": Decimal("0.1")}))


def signal(symbol="SOL/USDT", side=Side.BUY, quantity=None) -> Signal:
    return Signal(id="s", content=b"", raw=b"", symbol=symbol, side=side, quantity=quantity)


def terms(notional="100") -> Terms:
    return Terms(OrderType.LIMIT, Decimal(1), Decimal(notional), Decimal(notional), Decimal(notional))


def book_with_orders_of(*symbols: str) -> Book:
    book = Book()
    for number, symbol in enumerate(symbols):
        book.reserve(
            OrderRequest(
                client_order_id=f"{number}",
                trader=f"account {number}",
                symbol=symbol,
                side=Side.BUY,
                order_type=OrderType.LIMIT,
                amount=Decimal(1),
                price=Decimal(1),
                generation=1,
                reserved=Decimal(1),
            )
        )
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
    assert refuse_beyond(LIMITS, signal(symbol), terms(notional), Book()) == refusal


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
    assert refuse_beyond(LIMITS, signal(), terms(), book_with_orders_of(*open_symbols)) == refusal


def test_closing_is_never_held_back():
    full = book_with_orders_of("BTC/USDT", "ETH/USDT")
    assert refuse_beyond(LIMITS, signal(side=Side.SELL), terms("1000000"), full) is None


def test_selling_is_held_to_no_limit_whatever_the_quantity():
    full = book_with_orders_of("BTC/USDT", "ETH/USDT")
    stated = signal(side=Side.SELL, quantity=Decimal(1))
    assert refuse_beyond(LIMITS, stated, terms("1001"), full) is None
