"""An order of ours that the journal does not know halts once, says what to do, and is booked on a person's word."""

from decimal import Decimal
from functools import partial

import msgspec
import pytest

from streams.state import State
from tests.builders import fill
from tidegate.domain import events as e
from tidegate.domain.order import Acknowledged, NotFound, NotPlaced, OrderStatus, VenueOrder
from tidegate.domain.order_summary import orders_of
from tidegate.domain.ports import Snapshot
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side
from tidegate.domain.signal_summary import line_of

OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)
BUSY = NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="busy", final=False)
NOWHERE = NotFound(detail="not among the orders")
bought = partial(fill, fee="0.001", fee_currency="BTC")
FUNDS = {"USDT": Decimal(900), "BTC": Decimal("0.999")}


def lost(it, *fills, number=0, status=OrderStatus.CLOSED, side=Side.BUY):
    """An order that carries our mark, of which the journal knows nothing."""
    return VenueOrder(
        venue_order_id=f"v{number}",
        client_order_id=f"{it.engine.rules.execution.tag}{number:014x}",
        symbol="BTC/USDT",
        side=side,
        amount=Decimal(1),
        price=Decimal(100),
        status=status,
        filled=sum((f.amount for f in fills), Decimal(0)),
        at_ns=it.clock.now_ns(),
        fills=fills,
    )


@pytest.fixture
def fresh(trading, reconciling, tmp_path):
    """A new journal on an account that has orders of ours; `again` is the same one after a restart."""

    class Fresh:
        def __init__(self):
            self.url, self.start_ns, self.orders, self.it = f"sqlite:///{tmp_path}/journal.db", None, [], None

        def begin(self, *orders, found=NOWHERE):
            given = {} if self.start_ns is None else {"start_ns": self.start_ns}
            it = self.it = trading(OPEN, url=self.url, signals=0, found=found, **given)
            it.engine.parts.availability.await_reconciliation("paper")
            it.venue.orders = [make(it) if callable(make) else make for make in orders]
            it.venue.has = dict(FUNDS)
            if self.start_ns is None:
                it.engine.parts.state.book.account("paper").balances.clear()
            self.by = reconciling(it, every_s=10)
            it.run(2)
            for trader in it.engine.traders if self.by.compared_s else ():
                it.engine.parts.availability.reconciled(trader.id)
            return it

        def again(self, *orders, **given):
            self.it.kill()
            self.start_ns = self.it.clock.now_ns()
            return self.begin(*orders, **given)

        def ask(self, work):
            return self.it.wait(work)

    return Fresh()


class Image:
    """A past of which only an image is left."""

    def __init__(self, image):
        self.image = image

    def snapshots(self):
        return {"state": Snapshot(1, self.image)}

    def read(self, after=0):
        return iter(())


def held(it):
    return it.engine.parts.state.book.account("paper").held("BTC/USDT")


def totals(it):
    balances = it.engine.parts.state.book.account("paper").balances
    return {currency: balance.total for currency, balance in balances.items() if balance.total}


def resume(it):
    it.engine.record(e.Resumed())
    it.run(1)


def test_the_halt_says_which_commands_end_it(fresh):
    it = fresh.begin(lambda it: lost(it, bought()))
    (order,) = it.venue.orders
    halted = it.engine.parts.state.halted
    assert not halted.reduce_only
    assert f"`reconcile --adopt {order.client_order_id}` books it" in halted.why
    assert f"`reconcile --ignore {order.client_order_id}` leaves it out" in halted.why
    assert halted.why.endswith("then `resume`")
    assert any(f"--adopt {order.client_order_id}" in told for told in fresh.by.told)


def test_a_new_journal_on_an_account_with_an_order_of_ours_trades_after_resume(fresh):
    it = fresh.begin(lambda it: lost(it, bought()))
    assert totals(it) == FUNDS
    resume(it)
    it.send("a")
    it.run(40)
    assert it.ledger() == {"placed": 1}


@pytest.mark.parametrize("resumed", [True, False])
def test_what_was_acknowledged_halts_no_second_time_after_a_restart(fresh, resumed):
    it = fresh.begin(lambda it: lost(it, bought()))
    if resumed:
        resume(it)
    it = fresh.again(*it.venue.orders)
    it.run(30)
    assert len(it.bodies(e.Halted)) == 1
    assert (it.engine.parts.state.halted is None) == resumed
    (difference,) = fresh.ask(fresh.by.reconciliations.ask(apply=False))[0]
    assert difference.remains
    it.venue.orders.append(lost(it, bought("t9"), number=9))
    it.run(30)
    assert len(it.bodies(e.Halted)) == 2
    assert it.venue.orders[1].client_order_id in it.engine.parts.state.halted.why


def test_many_orders_halt_once_together(fresh):
    it = fresh.begin(*(lambda it, n=n: lost(it, bought(f"t{n}"), number=n) for n in range(20)))
    (halted,) = it.bodies(e.Halted)
    assert len(halted.orders) == 20
    assert "and 15 more" in halted.why


def test_an_adopted_order_is_booked_and_a_line_of_its_own(fresh):
    it = fresh.begin(lambda it: lost(it, bought()))
    (order,) = it.venue.orders
    assert fresh.ask(fresh.by.reconciliations.adopt(order.client_order_id))
    it.run(5)
    assert it.ledger() == {"placed": 1}
    assert it.engine.parts.state.ledger.received == 1
    assert held(it) == Decimal("0.999")
    assert totals(it) == FUNDS  # it was in the balances already
    (number,) = {event.number for event in it.journal.read() if event.number}
    line = line_of(it.journal.history(number))
    assert (line.outcome, line.symbol, line.side, line.source) == ("placed", "BTC/USDT", "buy", "adopted")
    assert (line.venue_order_id, line.order_status, line.filled, line.average) == ("v0", "closed", "1", "100")
    assert line.client_order_ids == [order.client_order_id]
    assert fresh.ask(fresh.by.reconciliations.ask(apply=False)) == ([], [])
    assert not fresh.ask(fresh.by.reconciliations.adopt(order.client_order_id))
    resume(it)
    it.send("exit", side="sell")
    it.run(40)
    assert [sent.side for sent in it.venue.sent] == ["sell"]
    it = fresh.again(*it.venue.orders)
    it.run(30)
    assert not any(order.client_order_id in told for told in fresh.by.told)
    assert it.engine.parts.state.halted is None
    assert held(it) == Decimal("0.999")


def test_an_adopted_order_that_is_open_is_followed_to_its_end_also_after_a_restart(fresh):
    it = fresh.begin(lambda it: lost(it, bought("t1", "0.4"), status=OrderStatus.OPEN))
    (order,) = it.venue.orders
    assert fresh.ask(fresh.by.reconciliations.adopt(order.client_order_id))
    it.run(5)
    account = it.engine.parts.state.book.account("paper")
    assert account.balances["USDT"].locked == 60
    whole = Acknowledged(
        venue_order_id="v0", status=OrderStatus.CLOSED, fills=(bought("t1", "0.4"), bought("t2", "0.6"))
    )
    it = fresh.again(found=whole)
    it.run(5)
    assert it.kinds() == ["adopted", "filled", "order_changed"]
    assert held(it) == Decimal("0.998")
    assert it.engine.parts.state.book.account("paper").orders == {}
    assert totals(it) == FUNDS


def test_an_adopted_sale_lessens_what_our_trades_hold(fresh):
    it = fresh.begin(lambda it: lost(it, bought()), lambda it: lost(it, bought("t2", "0.5"), number=1, side=Side.SELL))
    for order in it.venue.orders:
        assert fresh.ask(fresh.by.reconciliations.adopt(order.client_order_id))
    it.run(5)
    assert held(it) == Decimal("0.498")  # 1 less a fee of 0.001, less 0.5 and a fee of 0.001
    assert totals(it) == FUNDS


def test_a_second_order_is_adopted_beside_the_first(trading, reconciling):
    it = trading(BUSY, OPEN)
    it.run(20)
    first, second = it.venue.sent
    it.venue.has = None
    late = VenueOrder(
        venue_order_id="v7",
        client_order_id=first.client_order_id,
        symbol="BTC/USDT",
        side=Side.BUY,
        amount=Decimal(1),
        price=Decimal(100),
        status=OrderStatus.CLOSED,
        filled=Decimal(1),
        at_ns=0,
        fills=(bought(),),
    )
    placed = msgspec.structs.replace(
        late, client_order_id=second.client_order_id, status=OrderStatus.OPEN, filled=Decimal(0), fills=()
    )
    it.venue.orders = [placed, late]
    by = reconciling(it, every_s=10)
    it.run(1)
    halted = it.engine.parts.state.halted
    assert halted.reduce_only
    assert f"--adopt {first.client_order_id}" in halted.why
    assert it.wait(by.reconciliations.adopt(first.client_order_id))
    it.run(30)
    assert it.ledger() == {"placed": 2}
    assert held(it) == Decimal("0.999")
    assert len(it.bodies(e.Halted)) == 1
    assert it.wait(by.reconciliations.ask(apply=False)) == ([], [])
    adopted = [event for event in it.journal.read() if isinstance(event.body, e.Adopted)]
    (line,) = orders_of(it.journal.history(adopted[0].number))
    assert "second order" in (line.detail or "")


def test_an_ignored_order_is_left_out_for_good(fresh):
    it = fresh.begin(lambda it: lost(it, bought()))
    (order,) = it.venue.orders
    assert fresh.ask(fresh.by.reconciliations.ignore(order.client_order_id))
    assert fresh.ask(fresh.by.reconciliations.ask(apply=False)) == ([], [])
    resume(it)
    it = fresh.again(order)
    it.run(30)
    assert fresh.by.told == []
    assert it.engine.parts.state.halted is None
    assert held(it) == 0
    assert it.ledger() == {}


def test_other_peoples_orders_can_be_ignored_as_well(fresh):
    it = fresh.begin(lambda it: msgspec.structs.replace(lost(it, status=OrderStatus.OPEN), client_order_id="by-hand"))
    (told,) = fresh.by.told
    assert "stranger" in told
    assert fresh.ask(fresh.by.reconciliations.ignore("v0"))
    it = fresh.again(*it.venue.orders)
    assert fresh.by.told == []


def test_only_what_differs_can_be_decided_on(fresh):
    it = fresh.begin(lambda it: lost(it, bought()))
    before = it.journal.head()
    assert not fresh.ask(fresh.by.reconciliations.adopt("abcd00000000000000"))
    assert not fresh.ask(fresh.by.reconciliations.ignore("abcd00000000000000"))
    assert it.journal.head() == before


def test_it_can_be_adopted_when_it_is_not_listed_any_more(fresh):
    it = fresh.begin(lambda it: lost(it, bought()))
    (order,) = it.venue.orders
    it.venue.orders = []
    it.run(60)
    (difference,) = fresh.ask(fresh.by.reconciliations.ask(apply=False))[0]
    assert difference.what == order.client_order_id
    assert fresh.ask(fresh.by.reconciliations.adopt(order.client_order_id))
    it.run(5)
    assert held(it) == Decimal("0.999")


def test_what_was_noticed_and_decided_is_in_the_image_and_older_images_do_without(fresh):
    it = fresh.begin(lambda it: lost(it, bought()), lambda it: lost(it, bought("t2"), number=1))
    one, other = (order.client_order_id for order in it.venue.orders)
    assert fresh.ask(fresh.by.reconciliations.adopt(one))
    assert fresh.ask(fresh.by.reconciliations.ignore(other))
    state, folded = it.engine.parts.state, State()
    folded.fold(it.journal.read())
    restored = State.of(Image(state.image()))
    for same in (restored, folded):
        assert (same.noticed, same.decided) == (state.noticed, state.decided) == ({one, other}, {one, other})
    older = msgspec.json.decode(state.image())
    del older["noticed"], older["decided"]
    assert State.of(Image(msgspec.json.encode(older))).decided == set()
