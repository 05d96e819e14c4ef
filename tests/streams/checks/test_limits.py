from decimal import Decimal

import pytest
from msgspec import structs

from streams.checks.check import first_objection
from streams.checks.order_notional import order_notional
from streams.checks.position_limit import position_limit
from tidegate.domain.account import Holding
from tidegate.domain.book import Book
from tidegate.domain.order import OrderRequest
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Side, Signal
from tidegate.domain.terms import PerQuote, Terms
from tidegate.domain.verdict import Refusal

LIMITS = (order_notional(PerQuote(Decimal(1000), {"BTC": Decimal("0.1")})), position_limit(2))


def signal(symbol="SOL/USDT", side=Side.BUY, quantity=None) -> Signal:
    return Signal(id="s", content=b"", raw=b"", symbol=symbol, side=side, quantity=quantity)


def terms(notional="100", *, own_coins=False) -> Terms:
    cost = Decimal(notional)
    return Terms(OrderType.LIMIT, Decimal(1), cost, cost, cost, Decimal(1), own_coins=own_coins)


@pytest.fixture
def refused(situation):
    """What the limits say of an order with some terms, beside what a book has."""

    def refused(signal, terms, book=None) -> Refusal | None:
        there = situation(signal, book=book or Book())
        there.terms, there.own_coins = terms, terms.own_coins
        return first_objection(LIMITS, signal, there)

    return refused


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
                attempt=1,
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
def test_an_order_costs_at_most_what_its_quote_currency_allows(refused, symbol, notional, refusal):
    assert refused(signal(symbol), terms(notional), Book()) == refusal


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
def test_so_many_symbols_may_be_open_at_once(refused, open_symbols, refusal):
    assert refused(signal(), terms(), book_with_orders_of(*open_symbols)) == refusal


@pytest.mark.parametrize(
    ("own_coins", "notional", "reason"),
    [
        pytest.param(False, "1000000", None, id="closing is never held back"),
        pytest.param(True, "1000", None, id="selling the account's own coins opens no position"),
        pytest.param(True, "1000.01", Reason.NOTIONAL_LIMIT, id="and costs no more than an order may"),
    ],
)
def test_only_closing_passes_every_limit(refused, own_coins, notional, reason):
    full = book_with_orders_of("BTC/USDT", "ETH/USDT")
    refusal = refused(signal(side=Side.SELL), terms(notional, own_coins=own_coins), full)
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
def test_what_is_too_small_to_be_sold_is_no_position(refused, dust, being_bought, symbol, positions):
    book = book_with_orders_of(*being_bought)
    for held in ("BTC/USDT", "ETH/USDT"):
        amount = Decimal("0.001") if held in dust else Decimal(1)
        book.account("paper").holdings[held] = Holding(amount, least=Decimal("0.01"))
    refusal = refused(signal(symbol), terms(), Book(book.accounts))
    assert refusal == (positions and Refusal(Reason.POSITION_LIMIT, measured=positions, limit=2))


def test_below_the_limit_dust_is_not_looked_for(situation):
    book = Book()
    book.account("paper").holdings["BTC/USDT"] = Holding(Decimal(1))

    class Unasked(list):
        def __iter__(self):
            raise AssertionError("asked")

    there = situation(signal(), book=Book(book.accounts))
    there.known = structs.replace(there.known, traders=Unasked())
    there.terms = terms()
    assert position_limit(2)(signal(), there) is None
    with pytest.raises(AssertionError, match="asked"):
        position_limit(1)(signal(), there)
