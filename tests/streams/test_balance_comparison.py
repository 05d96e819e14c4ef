"""The book follows the balances of the venue, and never by an answer that is older than a trade."""

from collections import Counter
from decimal import Decimal
from functools import partial

import msgspec
import pytest

from tests.builders import fill, venue_order
from tidegate.domain import events as e
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.order import Acknowledged, NotFound, NotPlaced, OrderStatus, Unanswered
from tidegate.domain.ports import UnknownOrderPolicy
from tidegate.domain.reasons import Reason

NOWHERE = NotFound(detail="not among the orders")
SILENCE = Unanswered(detail="timed out")
OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)

bought = partial(fill, fee="0.001", fee_currency="BTC")


def closed(*fills):
    return Acknowledged(venue_order_id="v1", status=OrderStatus.CLOSED, fills=fills)


def totals_of(it, trader="paper"):
    balances = it.engine.parts.state.book.account(trader).balances
    return {currency: balance.total for currency, balance in balances.items() if balance.total}


def answered_after(it, seconds, totals):
    """Let the venue take its balances when it is asked, by `totals()`, and answer later."""

    async def balances():
        taken = dict(totals())
        await it.clock.sleep(seconds)
        return taken

    it.venue.balances = balances


class Purse:
    """What a venue's account holds, in arithmetic of its own."""

    def __init__(self, it, **totals):
        self.it, self.totals = it, Counter({currency: Decimal(total) for currency, total in totals.items()})

    def __call__(self):
        return self.totals

    def buys(self, it, amount="1", price="100", fee="0.001"):
        """Let every order be filled at once, for that much."""
        send = it.venue.create_orders

        async def create_orders(requests):
            await send(requests)
            answers = []
            for request in requests:
                base, quote = request.symbol.split("/")
                self.totals[base] += Decimal(amount) - Decimal(fee)
                self.totals[quote] -= Decimal(amount) * Decimal(price)
                answers.append(closed(fill(f"t{len(it.venue.sent)}", amount, price, fee, base)))
            return answers

        it.venue.create_orders = create_orders


def set_to(it, **totals):
    """Count the account as the venue says, to begin with."""
    known = it.engine.parts.state.book.account("paper").balances
    counted = {**dict.fromkeys(known, Decimal(0)), **{c: Decimal(total) for c, total in totals.items()}}
    it.engine.record(e.BalancesSynced(trader="paper", balances=counted))
    it.run(0.1)


def test_an_order_that_is_sent_and_filled_within_a_comparison_stays_in_the_book(trading, reconciling):
    it = trading(OPEN)
    set_to(it, USDT="1000")
    purse = Purse(it, USDT="1000")
    purse.buys(it)
    answered_after(it, 4, purse)
    it.run(8)
    reconciling(it)  # the balances are asked for at 8, and answered at 12; the order is sent at 10
    seen = []
    for _ in range(100):
        it.run(1)
        seen.append(totals_of(it))
    assert seen[0] == {"USDT": 1000}
    assert {tuple(sorted(totals.items())) for totals in seen[3:]} == {
        (("BTC", Decimal("0.999")), ("USDT", Decimal(900)))
    }


def test_what_was_bought_within_a_comparison_can_be_sold_after_it(trading, reconciling):
    it = trading(OPEN)
    set_to(it, USDT="1000")
    purse = Purse(it, USDT="1000")
    purse.buys(it)
    answered_after(it, 4, purse)
    it.run(8)
    reconciling(it)
    it.run(6)
    it.send("exit", side="sell")
    it.run(60)
    assert [sent.side for sent in it.venue.sent] == ["buy", "sell"]


def test_a_trade_that_nobody_told_of_yet_is_not_counted_twice(trading, reconciling):
    it = trading(OPEN)
    set_to(it, USDT="1000")
    it.run(11)
    (sent,) = it.venue.sent
    it.venue.orders = [venue_order(sent)]
    seen = []

    async def balances():  # the order fills between the listing and the balances
        it.venue.orders = [venue_order(sent, bought(), status=OrderStatus.CLOSED)]
        return {"USDT": Decimal(900), "BTC": Decimal("0.999")}

    it.venue.balances = balances
    reconciling(it)
    for _ in range(100):
        seen.append(totals_of(it))
        it.run(1)
    assert set(map(str, seen)) <= {str({"USDT": Decimal(1000)}), str({"USDT": Decimal(900), "BTC": Decimal("0.999")})}
    assert seen[-1] == {"USDT": 900, "BTC": Decimal("0.999")}


def test_a_trade_told_of_while_the_balances_are_doubted_is_not_counted_twice(trading, reconciling):
    it = trading(OPEN)
    set_to(it, USDT="1000")
    it.run(11)
    (sent,) = it.venue.sent
    it.venue.orders = [venue_order(sent)]
    it.venue.has = {"USDT": Decimal(900), "BTC": Decimal("0.999")}  # filled, and the listing is late
    list_orders, asked = it.venue.orders_since, []

    async def orders_since(since_ns):
        asked.append(since_ns)
        if len(asked) == 2:
            it.venue.update(OrderStatus.CLOSED, bought(), filled="1")
        return await list_orders(since_ns)

    it.venue.orders_since = orders_since
    reconciling(it)
    assert totals_of(it) == {"USDT": 900, "BTC": Decimal("0.999")}
    assert [body.balances for body in it.bodies(e.BalancesSynced)[1:]] == []


def test_a_currency_that_stands_still_is_followed_while_an_order_of_others_is_unknown(trading, reconciling):
    it = trading(
        SILENCE,
        found=NOWHERE,
        unknown_order_policy=UnknownOrderPolicy(window_s=40, absence_is_proof=True),
        execution__signal_ttl_s="60",
    )
    set_to(it, USDT="1000")
    it.run(11)
    it.venue.has = {"USDT": Decimal(990), "DOGE": Decimal(5)}
    reconciling(it)
    assert totals_of(it) == {"USDT": 1000, "DOGE": 5}
    it.venue.script = [NotPlaced(reason=Reason.REJECTED, detail="no", final=True)]
    it.run(20)
    assert totals_of(it) == {"USDT": 1000, "DOGE": 5}
    it.run(80)
    assert it.ledger() == {"failed": 1}
    assert totals_of(it) == {"USDT": 990, "DOGE": 5}


def test_what_was_in_motion_is_compared_again_within_two_seconds(trading, reconciling):
    it = trading(OPEN, takes_s=3)
    set_to(it, USDT="1000")
    it.run(11)  # the order is on its way, until 13
    it.venue.has = {"USDT": Decimal(2000)}
    reconciling(it, every_s=600)
    assert totals_of(it) == {"USDT": 1000}
    it.venue.orders = [venue_order(sent) for sent in it.venue.sent]
    it.run(4)
    assert totals_of(it) == {"USDT": 2000}


def test_a_deposit_is_seen_on_an_account_that_sends_an_order_every_second(trading, reconciling):
    it = trading(OPEN, signals=0, takes_s=0.3, limits__max_open_positions="9", execution__urgent_score="0.1",
                 execution__supersede="false")  # fmt: skip
    set_to(it, USDT="100000")
    purse = Purse(it, USDT="100000")
    purse.buys(it, fee="0")
    answered_after(it, 0.05, purse)
    slow = it.venue.orders_since

    async def orders_since(since_ns):
        await it.clock.sleep(2.37)
        return await slow(since_ns)

    it.venue.orders_since = orders_since
    reconciling(it)
    followed_s = None
    for second in range(120):
        if second == 20:
            purse.totals["USDT"] += 5000
        it.send(f"s{second}")
        it.run(1)
        if second > 20 and totals_of(it)["USDT"] == 105_000 - 100 * len(it.venue.sent):
            followed_s = followed_s or second
    assert len(it.venue.sent) > 100
    assert followed_s is not None
    assert followed_s < 85
    assert totals_of(it) == dict(purse.totals)


def test_an_account_without_anything_is_known_to_be_empty(trading, reconciling):
    it = trading(OPEN, signals=0)
    set_to(it)
    it.engine.parts.state.book.account("paper").balances.clear()
    it.venue.has = {}
    by = reconciling(it)
    assert by.compared_s == [pytest.approx(0.1, abs=0.05)]


@pytest.mark.parametrize("known", [False, True])
def test_other_peoples_orders_are_reported_once_and_change_nothing_else(trading, reconciling, known):
    it = trading(OPEN)
    it.run(11)
    (sent,) = it.venue.sent
    if not known:
        it.engine.parts.state.book.account("paper").balances.clear()
    it.venue.orders = [venue_order(sent), venue_order(sent, order_id="by-hand")]
    it.venue.has = {"USDT": Decimal(700), "BTC": Decimal("0.5")}
    by = reconciling(it, every_s=10)
    assert len(by.compared_s) == 1
    it.run(1)
    assert totals_of(it) == {"USDT": 700, "BTC": Decimal("0.5")}
    it.venue.has = {"USDT": Decimal(800), "BTC": Decimal("0.5")}
    it.run(30)
    assert totals_of(it) == {"USDT": 800, "BTC": Decimal("0.5")}
    (told,) = by.told
    assert "stranger" in told
    assert it.engine.parts.state.halted is None


def slow_after_the_first(it, seconds):
    """Let every listing but the first take a while."""
    list_orders, asked = it.venue.orders_since, []

    async def orders_since(since_ns):
        asked.append(since_ns)
        if len(asked) > 1:
            await it.clock.sleep(seconds)
        return await list_orders(since_ns)

    it.venue.orders_since = orders_since


def test_an_answer_that_comes_while_the_balances_are_doubted_is_not_counted_twice(trading, reconciling):
    it = trading(OPEN, signals=0, limits__max_open_positions="9", execution__urgent_score="0.1", takes_s=0.1)
    set_to(it, USDT="1000")
    it.send("rests", symbol="ETH/USDT")
    it.run(1)
    (rests,) = it.venue.sent
    it.venue.orders = [venue_order(rests)]
    it.venue.script, it.venue.takes_s = [closed(bought())], 2
    it.venue.has = {"USDT": Decimal(900), "BTC": Decimal("0.999")}  # the venue has the second one filled already
    it.send("filled", symbol="BTC/USDT")
    slow_after_the_first(it, 3)
    it.run(0.5)
    reconciling(it)
    it.run(6)
    assert totals_of(it) == {"USDT": 900, "BTC": Decimal("0.999")}
    assert it.bodies(e.BalancesSynced)[1:] == []


def test_a_trade_booked_while_the_balances_are_doubted_is_not_counted_twice(trading, reconciling):
    it = trading(OPEN)
    set_to(it, USDT="1000")
    it.run(11)
    (sent,) = it.venue.sent
    it.venue.orders = [venue_order(sent)]
    it.venue.has = {"USDT": Decimal(900), "BTC": Decimal("0.999")}
    slow_after_the_first(it, 3)
    reconciling(it)
    it.run(1)
    it.venue.update(OrderStatus.CLOSED, bought(), filled="1")
    it.run(0.5)
    it.venue.orders = []
    it.run(5)
    assert totals_of(it) == {"USDT": 900, "BTC": Decimal("0.999")}
    assert it.bodies(e.BalancesSynced)[1:] == []


def test_doubted_balances_are_not_followed_where_the_second_look_fails(trading, reconciling):
    it = trading(OPEN, signals=1)
    set_to(it, USDT="1000", DOGE="1")
    it.run(11)
    it.venue.orders = [venue_order(sent) for sent in it.venue.sent]
    it.venue.has = {"USDT": Decimal(900), "BTC": Decimal("0.999"), "DOGE": Decimal(2)}

    async def balances():
        it.venue.silent = VenueUnavailable("no route")
        return it.venue.has

    it.venue.balances = balances
    reconciling(it)
    it.run(1)
    assert totals_of(it) == {"USDT": 1000, "DOGE": 2}
    it.venue.silent = None


def test_the_trades_of_an_order_that_is_found_are_not_counted_and_booked(trading, reconciling):
    it = trading(SILENCE, found=NOWHERE, unknown_order_policy=UnknownOrderPolicy(window_s=1, absence_is_proof=False))
    set_to(it, USDT="1000")
    it.run(20)
    assert it.ledger() == {"parked": 1}
    it.venue.has = {"USDT": Decimal(900), "BTC": Decimal("0.999")}
    it.venue.orders = [venue_order(it.venue.sent[0], bought(), status=OrderStatus.CLOSED)]
    reconciling(it)
    it.run(0.5)
    assert totals_of(it) == {"USDT": 900, "BTC": Decimal("0.999")}
    it.run(60)
    assert it.bodies(e.BalancesSynced)[1:] == []


def test_a_trade_on_its_way_into_the_journal_is_not_overwritten(trading, reconciling):
    it = trading(OPEN)
    set_to(it, USDT="1000")
    it.run(11)
    (sent,) = it.venue.sent
    it.venue.orders = [venue_order(sent)]
    it.journal.takes_s = 3

    async def balances():  # a deposit, and a trade after the balances were taken, told of before they arrive
        it.venue.update(OrderStatus.OPEN, bought(amount="0.5", fee="0"))
        it.venue.orders = [venue_order(sent, bought(amount="0.5", fee="0"))]
        it.venue.balances = after
        return {"USDT": Decimal(1500)}

    async def after():
        return {"USDT": Decimal(1450), "BTC": Decimal("0.5")}

    it.venue.balances = balances
    reconciling(it)
    for _ in range(40):
        it.run(0.25)
        totals = totals_of(it)
        traded = 50 if "BTC" in totals else 0
        assert totals["USDT"] + traded in (1000, 1500)  # whether the deposit was seen yet or not
    it.run(60)
    assert totals_of(it) == {"USDT": 1450, "BTC": Decimal("0.5")}


def test_trades_that_are_not_listed_yet_are_not_counted_before_they_are(trading, reconciling):
    it = trading(OPEN)
    set_to(it, USDT="1000")
    it.run(11)
    (sent,) = it.venue.sent
    whole = venue_order(sent, bought(), status=OrderStatus.CLOSED)
    it.venue.orders = [msgspec.structs.replace(whole, fills=())]
    it.venue.has = {"USDT": Decimal(900), "BTC": Decimal("0.999")}
    reconciling(it)
    it.run(10)
    assert totals_of(it) == {"USDT": 1000}
    it.venue.orders = [whole]
    it.run(60)
    assert totals_of(it) == {"USDT": 900, "BTC": Decimal("0.999")}
    assert it.bodies(e.BalancesSynced)[1:] == []


def test_a_trade_that_the_second_look_booked_is_not_counted_twice(trading, reconciling):
    it = trading(OPEN, signals=2)
    set_to(it, USDT="1000")
    it.run(11)
    fills, unlisted = it.venue.sent
    it.venue.orders = [venue_order(fills), venue_order(unlisted)]

    async def balances():  # one order fills, and the other leaves the listing
        it.venue.orders = [venue_order(fills, bought(), status=OrderStatus.CLOSED)]
        it.venue.balances = after
        return await after()

    async def after():
        return {"USDT": Decimal(900), "BTC": Decimal("0.999")}

    async def look_up(_):
        await it.clock.sleep(2)
        return OPEN

    it.venue.balances, it.venue.find_order = balances, look_up
    reconciling(it)
    it.run(5)
    assert it.bodies(e.BalancesSynced)[1:] == []
    it.run(60)
    assert totals_of(it) == {"USDT": 900, "BTC": Decimal("0.999")}


PAID_IN_COINS = {"USDT": Decimal(900), "BTC": Decimal(1), "BNB": Decimal("0.9")}


@pytest.mark.parametrize(
    ("listing", "found"),
    [
        pytest.param("without trades", NOWHERE, id="listed without its trades"),
        pytest.param("", Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN, filled=Decimal(1)), id="looked up"),
        pytest.param("", NOWHERE, id="not shown yet"),
        pytest.param("", SILENCE, id="not answered"),
    ],
)
def test_while_trades_do_not_show_no_balance_is_followed_that_they_may_have_changed(
    trading, reconciling, listing, found
):
    it = trading(OPEN, found=found)
    set_to(it, USDT="1000", BNB="1")
    it.run(11)
    whole = venue_order(it.venue.sent[0], bought(fee="0.1", fee_currency="BNB"), status=OrderStatus.CLOSED)
    it.venue.orders = [msgspec.structs.replace(whole, fills=())] if listing else []
    it.venue.has = PAID_IN_COINS
    reconciling(it)
    it.run(20)
    assert totals_of(it) == {"USDT": 1000, "BNB": 1}
    it.venue.orders = [whole]
    it.run(60)
    assert totals_of(it) == PAID_IN_COINS
    assert it.bodies(e.BalancesSynced)[1:] == []


def test_what_is_not_found_for_longer_than_its_venue_is_late_keeps_no_balance_from_being_followed(trading, reconciling):
    it = trading(OPEN, found=NOWHERE, unknown_order_policy=UnknownOrderPolicy(window_s=30, absence_is_proof=True))
    set_to(it, USDT="1000")
    it.run(11)
    it.venue.has = {"USDT": Decimal(1500)}  # a deposit
    reconciling(it)
    it.run(25)
    assert totals_of(it) == {"USDT": 1000}
    it.run(60)
    assert totals_of(it) == {"USDT": 1500}
