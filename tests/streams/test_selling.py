"""Selling is closing: what our own trades hold, once, on one account, and never more than was asked for."""

import json
from decimal import Decimal

import pytest

from tests.builders import fill
from tidegate.domain import events as e
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.order import Acknowledged, NotPlaced, OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.domain.signal_summary import line_of

OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)
BUSY = NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="busy", final=False)
BLOCKED = NotPlaced(reason=Reason.ACCOUNT_BLOCKED, detail="-2015", final=False)
UNREACHED = NotPlaced(reason=Reason.NEVER_SENT, detail="refused", final=False)


def filled(amount: str, trade_id: str = "t", fee: str = "0", fee_currency: str = "USDT", status=OrderStatus.CLOSED):
    trade = fill(trade_id, amount, fee=fee, fee_currency=fee_currency)
    return Acknowledged(venue_order_id=f"v-{trade_id}", status=status, fills=(trade,))


def sales(it) -> list[e.Intent]:
    return [intent for intent in it.bodies(e.Intent) if intent.side == "sell"]


@pytest.mark.parametrize("fields", [{}, {"quantity": "5"}, {"quantity": "0.5"}, {"order_type": "market"}])
@pytest.mark.parametrize("halted", [None, e.Halted(reduce_only=True, why="a test")])
def test_coins_that_our_trades_never_bought_are_not_sold(stage, fields, halted):
    it = stage(traders__0__balances='{"USDT": "1000", "BTC": "9"}').start()
    if halted is not None:
        it.engine.record(halted)
    it.send("out", side="sell", **fields)
    it.run(60)
    assert it.kinds() == ["accepted", "refused"]
    (refused,) = it.bodies(e.Refused)
    assert (refused.reason, Decimal(refused.measured)) == (Reason.NO_POSITION, 0)
    assert Decimal(refused.limit) > 0


def test_more_than_our_trades_hold_is_cut_and_the_cut_is_on_record(stage):
    it = stage(traders__0__balances='{"USDT": "1000", "BTC": "9"}').start()
    it.send("in")
    it.run(11)
    it.send("out", side="sell", quantity="9")
    it.run(30)
    (sale,) = sales(it)
    assert (sale.amount, sale.cut_from, sale.own_coins) == (1, 9, False)
    _, line = map(line_of, it.journal.histories())
    assert (Decimal(line.quantity), line.cut_from) == (1, "9")
    assert it.engine.parts.state.book.account("paper").balances["BTC"].total == 9


def test_what_is_not_cut_carries_no_mark(stage):
    it = stage().start()
    it.send("in")
    it.run(11)
    it.send("out", side="sell")
    it.run(30)
    assert [sale.cut_from for sale in sales(it)] == [None]
    assert [line_of(history).cut_from for history in it.journal.histories()] == [None, None]


def test_with_sell_holdings_the_accounts_own_coins_are_sold_and_obey_the_limits(stage):
    own = {"sizing__sell_holdings": "true", "traders__0__balances": '{"USDT": "1000", "BTC": "50"}'}
    it = stage(**own).start()
    it.send("within", side="sell", quantity="5")
    it.send("beyond", side="sell", quantity="10.1")
    it.run(11)
    (sale,) = sales(it)
    assert (sale.amount, sale.own_coins) == (5, True)
    (refused,) = it.bodies(e.Refused)
    assert (refused.reason, Decimal(refused.measured), refused.limit) == (Reason.NOTIONAL_LIMIT, 1010, "1000")


def test_selling_the_accounts_own_coins_is_not_closing(stage):
    it = stage(sizing__sell_holdings="true", traders__0__balances='{"USDT": "1000", "BTC": "50"}').start()
    it.send("in")
    it.run(11)
    it.engine.record(e.Halted(reduce_only=True, why="a test"))
    it.send("own", side="sell", quantity="5")
    it.send("ours", side="sell", quantity="1")
    it.run(30)
    assert [sale.amount for sale in sales(it)] == [1]
    (entry,) = it.engine.parts.pending.entries.values()
    assert (entry.obstacle.reason, entry.obstacle.measured) == (Reason.HALTED, "a test")


def test_a_retried_sale_keeps_its_amount_though_more_was_bought_since(trading):
    it = trading(filled("1"), BUSY, filled("1", "t2"), OPEN, execution__order_creation_retry_delay_ms="9000")
    it.run(11)
    it.send("out", side="sell")
    it.run(30)
    it.send("more")
    it.run(1)
    it.engine.trigger()
    it.run(30)
    assert it.engine.parts.state.book.account("paper").held("BTC/USDT") == 2
    assert [sale.amount for sale in sales(it)] == [1, 1]


def test_also_after_a_restart(trading, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = trading(filled("1"), BUSY, filled("1", "t2"), url=url, execution__order_creation_retry_delay_ms="9000")
    first.run(11)
    first.send("out", side="sell", ttl_s=600)
    first.run(30)
    first.send("more")
    first.run(1)
    first.engine.trigger()
    first.run(1)
    first.kill()
    it = trading(OPEN, url=url, start_ns=first.clock.now_ns(), signals=0)
    it.run(60)
    assert it.engine.parts.state.book.account("paper").held("BTC/USDT") == 2
    assert [(sale.attempt, sale.amount) for sale in sales(it)] == [(1, 1), (2, 1)]


class Two:
    """Accounts `first` and `second`; each buys what `held` says before the test begins, and then follows its script."""

    def __init__(self, stage, scripted, held: tuple[str, str], first, second, **changes):
        def venues(it):
            self.first = scripted(it, *[filled(held[0], "a")] * (held[0] != "0"), *first)
            self.second = scripted(it, *[filled(held[1], "b")] * (held[1] != "0"), *second)
            self.first.trader, self.second.trader = "first", "second"
            return [self.first, self.second]

        settings = {
            "traders": json.dumps([{"id": "first"}, {"id": "second"}]),
            "execution__signal_ttl_s": "600",
            "execution__order_creation_retries": "9",
            "execution__order_creation_retry_delay_ms": "1000",
            "limits__max_order_notional": "10000",
            **changes,
        }
        self.it = it = stage(venues=venues, **settings)
        it.start()
        for name, amount in zip(("first", "second"), held, strict=True):
            it.engine.record(e.BalancesSynced(trader=name, balances={"USDT": Decimal(10_000), "BTC": Decimal(0)}))
            if amount != "0":
                it.send(f"in {name}", trader=name, quantity=amount)
        it.run(11)

    def sell(self, **fields):
        self.it.send("out", side="sell", **fields)
        self.it.run(45)
        return self

    @property
    def sold_by(self) -> list[str]:
        return [sale.trader for sale in sales(self.it)]


@pytest.fixture
def two(stage, scripted):
    return lambda *given, **changes: Two(stage, scripted, *given, **changes)


def closed(it, name: str) -> None:
    """Let the circuit of an account open, and its probe fail."""
    venue = getattr(it, name)
    venue.down = VenueUnavailable("refused")
    venue.script = [UNREACHED]
    for number in range(5):
        it.it.send(f"{name} {number}", trader=name, quantity="0.1", ttl_s=31)
    it.it.run(45)


def test_a_sale_goes_to_the_account_that_holds_most(two):
    assert two(("1", "2"), [OPEN], [OPEN]).sell().sold_by == ["second"]


def test_one_that_holds_most_by_itself_but_not_by_our_trades_is_not_asked(two):
    it = two(("1", "0"), [OPEN], [OPEN])
    it.it.engine.record(e.BalancesSynced(trader="second", balances={"BTC": Decimal(50)}))
    assert it.sell().sold_by == ["first"]


def test_a_sale_does_not_wait_for_an_account_whose_circuit_is_open_while_another_one_holds_some(two):
    it = two(("1", "2"), [OPEN], [OPEN])
    closed(it, "second")
    it.sell()
    assert it.sold_by == ["first"]
    assert sales(it.it)[0].amount == 1


def test_a_sale_waits_for_the_account_that_alone_holds_more_than_dust(two):
    it = two(("0.009", "2"), [OPEN], [OPEN])
    closed(it, "second")
    it.sell()
    assert it.sold_by == []
    (entry,) = it.it.engine.parts.pending.entries.values()
    assert entry.obstacle.reason is Reason.NO_TRADER
    assert entry.obstacle.measured.startswith("second: circuit_open")


def test_once_attempted_a_sale_stays_with_its_account(two):
    it = two(("1", "2"), [OPEN], [BLOCKED, OPEN]).sell()
    assert it.sold_by == ["second"]
    it.it.run(300)
    assert set(it.sold_by) == {"second"}
    assert len(it.first.sent) == 1


def test_one_rejected_for_good_goes_nowhere_else(two):
    no = NotPlaced(reason=Reason.REJECTED, detail="no", final=True)
    it = two(("1", "2"), [OPEN], [no]).sell()
    assert it.sold_by == ["second"]
    assert it.it.ledger() == {"placed": 2, "failed": 1}


def test_the_dust_that_fees_leave_is_no_open_position(trading):
    """The fee is taken from the coins that were bought, and the rest of a lot cannot be sold."""
    script = [filled("1", "t", "0.001", "BTC"), filled("0.99", "s"), OPEN]
    it = trading(*script, limits__max_open_positions="1")
    it.run(11)
    it.send("out", side="sell")
    it.run(30)
    account = it.engine.parts.state.book.account("paper")
    assert account.held("BTC/USDT") == Decimal("0.009")
    it.send("next", symbol="ETH/USDT")
    it.send("out again", side="sell")
    it.run(30)
    assert it.ledger() == {"placed": 3, "refused": 1}
    (refused,) = it.bodies(e.Refused)
    assert (refused.reason, refused.measured, refused.limit) == (Reason.NO_POSITION, "0.009", "0.01")


def test_dust_is_what_the_price_makes_of_it(trading):
    """Six hundredths at 100 are worth 6; at 80 they are worth less than the 5 that the venue takes at least."""
    it = trading(filled("1"), filled("0.94", "s"), OPEN, limits__max_open_positions="1")
    it.run(11)
    it.send("out", side="sell", quantity="0.94")
    it.run(30)
    it.send("next", symbol="ETH/USDT")
    it.run(30)
    assert [refused.reason for refused in it.bodies(e.Refused)] == [Reason.POSITION_LIMIT]
    it.quote("BTC/USDT", "80")
    it.send("another", symbol="ETH/USDT")
    it.run(30)
    assert it.ledger() == {"placed": 3, "refused": 1}
