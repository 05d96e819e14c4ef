from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import builders
from tidegate.domain import events as e
from tidegate.domain.account import Account
from tidegate.domain.book import Book
from tidegate.domain.market import Mark
from tidegate.domain.order import Fill, OrderRequest, OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side

BTC, ETH = "BTC/USDT", "ETH/USDT"


def order(side=Side.BUY, amount="2", **named) -> OrderRequest:
    return builders.order(side, amount, **named)


def intended(side=Side.BUY, **named) -> e.Intent:
    request = order(side, **named)
    return e.Intent(**{field: getattr(request, field) for field in request.__struct_fields__})


def trade(amount="2", price="100") -> Fill:
    return builders.fill("t", amount, price)


def placed(*fills: Fill, status=OrderStatus.OPEN, order_id="o") -> e.Placed:
    return e.Placed(client_order_id=order_id, venue_order_id="v", status=status, fills=fills)


def filled(amount="2", order_id="o") -> e.Filled:
    return e.Filled(client_order_id=order_id, fill=trade(amount))


def changed(status: OrderStatus, order_id="o") -> e.OrderChanged:
    return e.OrderChanged(client_order_id=order_id, status=status)


def folded(*bodies: e.Body) -> Book:
    book = Book()
    funds = {"USDT": Decimal(10_000), "BTC": Decimal(10), "ETH": Decimal(10)}
    for trader in ("paper", "other"):
        book.apply(trader, e.Funded(trader=trader, balances=funds))
    for body in bodies:
        book.apply("paper", body)
    return book


def free(book: Book, currency="USDT") -> Decimal:
    return book.account("paper").free(currency)


def test_an_account_nobody_spoke_of_is_empty_and_stays():
    book = Book()
    assert book.account("new").balances == {}
    assert book.account("new") is book.account("new")


def test_accounts_are_apart():
    book = folded(intended())
    assert (free(book), book.account("other").free("USDT")) == (9800, 10_000)


def test_capital_reserved_ahead_of_the_journal_is_reserved_once():
    book = folded()
    book.reserve(order())
    book.apply("paper", intended())
    book.reserve(order())
    assert free(book) == 9800
    assert book.open_positions == {BTC: 1}


def test_a_reservation_whose_commit_failed_is_given_back_once():
    book = folded()
    book.reserve(order())
    book.release("paper", "o")
    book.release("paper", "o")
    assert free(book) == 10_000
    assert BTC not in book.open_positions


@pytest.mark.parametrize(
    ("body", "over"),
    [
        pytest.param(placed(), False, id="an open order is not over"),
        pytest.param(placed(trade("1")), False, id="nor a partly filled one"),
        pytest.param(placed(trade(), status=OrderStatus.CLOSED), True, id="one filled at once is"),
        pytest.param(placed(status=OrderStatus.EXPIRED), True, id="so is one that expired at once"),
        pytest.param(filled("1"), False, id="a fill alone ends nothing"),
        pytest.param(filled("2"), False, id="the venue says when it is over, also after the last fill"),
        pytest.param(changed(OrderStatus.OPEN), False, id="a change to open ends nothing"),
        pytest.param(changed(OrderStatus.CLOSED), True, id="closed"),
        pytest.param(changed(OrderStatus.CANCELED), True, id="canceled"),
        pytest.param(changed(OrderStatus.REJECTED), True, id="rejected later"),
        pytest.param(changed(OrderStatus.EXPIRED), True, id="expired"),
        pytest.param(
            e.Deferred(client_order_id="o", reason=Reason.REJECTED_FOR_NOW, detail="", retry_at_ns=1),
            True,
            id="proved not placed, to be tried again",
        ),
        pytest.param(e.Failed(client_order_id="o", reason=Reason.REJECTED, detail=""), True, id="failed"),
        pytest.param(e.Unknown(client_order_id="o", detail=""), False, id="an unknown order keeps its capital"),
        pytest.param(e.Parked(client_order_id="o", detail=""), False, id="so does a parked one"),
    ],
)
def test_an_event_tells_whether_the_order_is_over(body, over):
    book = folded(intended())
    assert book.apply("paper", body) is over
    assert ("o" not in book.account("paper").orders) is over
    assert over or free(book) == 9800
    assert not over or book.account("paper").balances["USDT"].locked == 0


def test_an_intent_is_not_over():
    assert Book().apply("paper", intended()) is False


@pytest.mark.parametrize(
    ("bodies", "open_positions"),
    [
        pytest.param([intended()], {BTC: 1}, id="a buying order counts"),
        pytest.param([intended(Side.SELL)], {}, id="a selling one does not"),
        pytest.param([intended(), changed(OrderStatus.CANCELED)], {}, id="not when it is canceled"),
        pytest.param([intended(), placed(trade("1"))], {BTC: 2}, id="partly filled: the order, and what it bought"),
        pytest.param([intended(), placed(trade(), status=OrderStatus.CLOSED)], {BTC: 1}, id="filled: what it bought"),
        pytest.param([intended(), intended(order_id="p")], {BTC: 2}, id="two orders of a symbol"),
        pytest.param([intended(), intended(order_id="p", symbol=ETH)], {BTC: 1, ETH: 1}, id="two symbols"),
        pytest.param(
            [
                *(intended(), placed(trade(), status=OrderStatus.CLOSED)),
                *(intended(Side.SELL, order_id="s"), placed(trade("1"), order_id="s")),
            ],
            {BTC: 1},
            id="partly sold: what is left",
        ),
        pytest.param(
            [
                *(intended(), placed(trade(), status=OrderStatus.CLOSED)),
                *(intended(Side.SELL, order_id="s"), placed(trade(), status=OrderStatus.CLOSED, order_id="s")),
            ],
            {},
            id="sold: nothing",
        ),
    ],
)
def test_open_positions_counts_holdings_and_buying_orders(bodies, open_positions):
    assert folded(*bodies).open_positions == open_positions


def test_open_positions_counts_all_accounts():
    book = folded(intended())
    book.apply("other", intended(trader="other", order_id="p"))
    assert book.open_positions == {BTC: 2}
    assert len(book.open_positions) == 1


steps = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(["paper", "other"]), st.sampled_from([BTC, ETH]), st.booleans()),
    st.tuples(st.just("fill"), st.integers(0, 9), st.integers(1, 8)),
    st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from([OrderStatus.CANCELED, OrderStatus.CLOSED])),
)


@given(st.lists(steps, max_size=40))
def test_open_positions_is_that_of_the_accounts_and_outlives_a_snapshot(history):
    book = folded()
    for number, (kind, *details) in enumerate(history):
        opened = [(trader, id_) for trader, account in book.accounts.items() for id_ in account.orders]
        if kind == "order":
            trader, symbol, buying = details
            side = Side.BUY if buying else Side.SELL
            book.apply(trader, intended(side, trader=trader, order_id=str(number), symbol=symbol))
        elif opened:
            trader, order_id = opened[details[0] % len(opened)]
            if kind == "end":
                book.apply(trader, changed(details[1], order_id))
                continue
            remaining = book.account(trader).orders[order_id].remaining
            if remaining:
                book.apply(trader, filled(min(Decimal(details[1]) / 4, remaining), order_id))
    counted = Counter()
    for account in book.accounts.values():
        counted.update(symbol for symbol, holding in account.holdings.items() if holding.amount)
        counted.update(opened.symbol for opened in account.orders.values() if opened.side is Side.BUY)
    assert book.open_positions == counted
    assert set(book.open_positions) == set(counted)
    restored = Book({trader: Account.from_image(account.image()) for trader, account in book.accounts.items()})
    assert restored.open_positions == counted
    assert set(restored.open_positions) == set(counted)


def test_the_mark_of_a_symbol_is_its_newest_trade():
    book = folded(intended())
    book.apply("paper", placed(trade("1", "99"), trade("1", "100")), 7)
    book.apply("other", intended(trader="other", order_id="p", symbol=ETH), 8)
    book.apply("other", e.Filled(client_order_id="p", fill=trade("2", "50")), 9)
    assert book.marks == {BTC: Mark(Decimal(100), 7), ETH: Mark(Decimal(50), 9)}


def test_without_dust_a_symbol_counts_that_is_held_elsewhere_or_being_bought():
    book = folded(intended(), placed(trade(), status=OrderStatus.CLOSED))
    book.apply("other", intended(trader="other", order_id="p", symbol=ETH))
    book.apply("other", e.Placed(client_order_id="p", venue_order_id="v", status=OrderStatus.CLOSED, fills=(trade(),)))
    assert book.without_dust(lambda *_: False) == {BTC, ETH}
    assert book.without_dust(lambda trader, symbol, holding: trader == "paper") == {ETH}
    assert book.without_dust(lambda *_: True) == set()
    book.apply("paper", intended(order_id="q"))
    assert book.without_dust(lambda *_: True) == {BTC}
