"""When accounts are compared, and that one failed read costs nothing but itself."""

from decimal import Decimal
from random import Random

import pytest

from tests.builders import fill, venue_order
from tidegate.domain.difference import DifferenceKind
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.order import Acknowledged, NotFound, OrderStatus, Unanswered
from tidegate.domain.ports import Item, UnknownOrderPolicy
from tidegate.domain.reasons import Reason

OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)
NO_ROUTE = VenueUnavailable("no route")
HOUR_NS = 3600 * 10**9


def test_balances_are_followed_while_orders_cannot_be_venue_order(trading, reconciling):
    it = trading(OPEN, signals=0)
    it.venue.silent, it.venue.has = NO_ROUTE, {"USDT": Decimal(7)}
    by = reconciling(it)
    assert it.engine.parts.state.book.account("paper").balances["USDT"].total == 7
    assert by.compared_s == []


def test_an_account_is_complete_once_each_part_was_read_in_whatever_round(trading, reconciling):
    it = trading(OPEN, signals=0)
    it.venue.down, it.venue.unlisted = NO_ROUTE, ("closed orders of BTC/USDT: timed out",)
    by = reconciling(it)
    it.run(4)
    it.venue.down, it.venue.unlisted = None, ("trades of ETH/USDT",)
    it.run(2)
    assert by.compared_s == [5]


def test_an_account_is_not_complete_while_the_same_part_is_missing(trading, reconciling):
    it = trading(OPEN, signals=0)
    it.venue.unlisted = ("closed orders of BTC/USDT: timed out",)
    by = reconciling(it)
    it.venue.unlisted = ("closed orders of BTC/USDT: 503",)
    it.run(120)
    assert by.compared_s == []
    it.venue.unlisted = ()
    it.run(60)
    assert len(by.compared_s) == 1


def test_what_was_missing_is_asked_for_from_as_far_back_as_before(trading, reconciling):
    it = trading(OPEN, signals=0)
    it.venue.unlisted = ("closed orders of BTC/USDT",)
    reconciling(it)
    begun_ns = it.clock.now_ns() - 10**7
    it.run(6)
    assert it.venue.listed_since_ns == begun_ns + 5 * 10**9 - 24 * HOUR_NS
    it.venue.unlisted = ()
    it.run(10)
    it.run(60)
    assert it.venue.listed_since_ns > begun_ns - HOUR_NS


def test_rounds_after_a_failure_come_soon_then_later_and_say_why(trading, reconciling):
    it = trading(OPEN, signals=0)
    it.venue.down = NO_ROUTE
    by = reconciling(it)
    it.run(34)
    assert by.told == ["reconciliation with paper: could not read balances: no route"] * 3  # at 0, 5 and 15
    it.venue.down = None
    it.run(100)
    assert by.compared_s == [35, 95]


@pytest.mark.parametrize("seed", range(30))
def test_with_15_percent_of_reads_failing_an_account_trades_within_a_minute(trading, reconciling, seed):
    it = trading(OPEN, signals=0)
    it.engine.parts.availability.await_reconciliation("paper")
    chance = Random(seed)
    list_orders, read_balances = it.venue.orders_since, it.venue.balances

    async def orders_since(since_ns):
        parts = [f"{what} orders of {symbol}" for symbol in it.settings.symbols for what in ("open", "closed")]
        it.venue.unlisted = tuple(part for part in parts if chance.random() < 0.15)
        return await list_orders(since_ns)

    async def balances():
        if chance.random() < 0.15:
            raise NO_ROUTE
        return await read_balances()

    it.venue.orders_since, it.venue.balances = orders_since, balances
    by = reconciling(it)
    it.run(60)
    assert by.compared_s
    assert by.compared_s[0] <= 40


def test_an_account_without_money_is_refused_for_that_and_not_for_being_unknown(trading, reconciling):
    it = trading(OPEN, signals=0)
    parts = it.engine.parts
    parts.availability.await_reconciliation("paper")
    parts.state.book.account("paper").balances.clear()
    it.venue.has = {}
    by = reconciling(it)
    assert by.compared_s
    parts.availability.reconciled("paper")
    it.send("a")
    it.run(11)
    assert it.ledger() == {"refused": 1}
    assert it.bodies()[-1].reason is Reason.INSUFFICIENT_BALANCE


def test_a_round_ends_while_others_keep_the_journal_busy(trading, reconciling):
    it = trading(OPEN, signals=0)
    it.journal.takes_s = 0.5
    parts = it.engine.parts

    def keep_busy(*_):
        if it.clock.loop.time() < 60:
            parts.commits.submit(Item(it.clock.now_ns(), ()), keep_busy, must=True)

    keep_busy()
    by = reconciling(it, every_s=10)
    it.run(50)
    assert len(by.compared_s) >= 4


def test_an_account_on_which_an_order_turned_up_is_compared_again_soon(trading, reconciling):
    nothing_proves = UnknownOrderPolicy(window_s=1, absence_is_proof=False)
    it = trading(Unanswered(detail="timed out"), found=NotFound(detail="nowhere"), unknown_order_policy=nothing_proves)
    it.run(11)
    (sent,) = it.venue.sent
    by = reconciling(it)
    it.run(1)
    filled = fill()
    it.venue.orders = [venue_order(sent, filled, status=OrderStatus.CLOSED)]
    it.run(63)
    assert by.compared_s == [11, 71, 72]


def test_of_many_orders_of_other_people_one_alarm_tells(trading, reconciling):
    it = trading(OPEN)
    it.run(11)
    (sent,) = it.venue.sent
    others = [venue_order(sent, order_id=f"by-hand-{number}") for number in range(50)]
    it.venue.orders = [venue_order(sent), *others]
    for number, other in enumerate(it.venue.orders):
        it.venue.orders[number] = type(other)(
            **{name: getattr(other, name) for name in other.__struct_fields__} | {"venue_order_id": f"x{number}"}
        )
    by = reconciling(it, every_s=10)
    it.run(40)
    (told,) = by.told
    assert told.endswith("and 45 more")


def test_whoever_asks_hears_what_differs_and_what_was_not_told(trading, reconciling):
    it = trading(OPEN)
    it.run(11)
    filled = fill(amount="0.4")
    by = reconciling(it)
    it.venue.orders = [venue_order(it.venue.sent[0], filled)]
    differences, unread = it.wait(by.reconciliations.ask(apply=False))
    assert ([(d.kind, d.applied) for d in differences], unread) == ([(DifferenceKind.CHANGED, False)], [])
    differences, unread = it.wait(by.reconciliations.ask(apply=True))
    assert ([(d.kind, d.applied) for d in differences], unread) == ([(DifferenceKind.CHANGED, True)], [])
    it.venue.down, it.venue.silent = NO_ROUTE, NO_ROUTE
    assert it.wait(by.reconciliations.ask(apply=True)) == ([], ["paper: orders: no route", "paper: balances: no route"])


def test_a_round_that_is_stopped_while_it_waits_for_a_commit_leaves_nobody_else_waiting(trading, reconciling):
    it = trading(OPEN, signals=0)
    it.journal.takes_s = 5
    it.venue.has = {"USDT": Decimal(7)}
    by = reconciling(it)
    it.run(1)
    by.reconciliations.stop()
    it.wait(it.engine.committed())
    assert it.loop.unhandled == []


def test_an_account_is_compared_once_its_balances_are_committed(trading, reconciling):
    it = trading(OPEN, signals=0)
    account = it.engine.parts.state.book.account("paper")
    account.balances.clear()
    it.venue.has = {"USDT": Decimal(7)}
    it.journal.takes_s = 3
    by = reconciling(it)
    it.loop.advance(2.9)
    assert by.compared_s == []
    it.run(0.2)
    assert by.compared_s == [3]
    assert account.balances["USDT"].total == 7
