"""Two accounts: an order goes to another one exactly when it is proved that the first never had it."""

import json
from decimal import Decimal

import pytest

from streams.diagnosed import execute_with_diagnostics
from tests.builders import fill
from tidegate.domain import events as e
from tidegate.domain.errors import ExchangeError, TraderUnavailable, VenueUnavailable
from tidegate.domain.order import Acknowledged, NotFound, NotPlaced, OrderStatus, Unanswered
from tidegate.domain.ports import UnknownOrderPolicy
from tidegate.domain.reasons import Reason
from tidegate.venues.ccxt.pace import OrderPace

OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)
REJECTED = NotPlaced(reason=Reason.REJECTED, detail="no", final=True)
BLOCKED = NotPlaced(reason=Reason.ACCOUNT_BLOCKED, detail="-2015", final=False)
CLOSED = NotPlaced(reason=Reason.MARKET_CLOSED, detail="halted", final=False)
UPKEEP = NotPlaced(reason=Reason.MAINTENANCE, detail="upkeep", final=False)
BANNED = NotPlaced(reason=Reason.BANNED, detail="418", final=False, retry_after_s=3600, address_wide=True)
UNREACHED = NotPlaced(reason=Reason.NEVER_SENT, detail="refused", final=False)
SILENCE = Unanswered(detail="timed out")
NOWHERE = NotFound(detail="not among the orders")
PROOF, NO_PROOF = (
    UnknownOrderPolicy(window_s=20, absence_is_proof=True),
    UnknownOrderPolicy(window_s=20, absence_is_proof=False),
)


class Two:
    """Accounts `first`, asked first, and `second`, each with 10,000 USDT and the venue's script."""

    def __init__(
        self,
        stage,
        scripted,
        first,
        second,
        *,
        exchanges=("x", "y"),
        signals=1,
        found=NOWHERE,
        unknown_order_policy=PROOF,
        fields=None,
        **changes,
    ):
        traders = [{"id": "first", "priority": 2, "exchange": exchanges[0]}, {"id": "second", "exchange": exchanges[1]}]

        def venues(it):
            self.first, self.second = scripted(it, *first, found=found), scripted(it, *second, found=found)
            self.first.trader, self.second.trader = "first", "second"
            self.first.unknown_order_policy = self.second.unknown_order_policy = unknown_order_policy
            return [self.first, self.second]

        settings = {
            "traders": json.dumps(traders),
            "execution__signal_ttl_s": "600",
            "execution__order_creation_retries": "9",
            "execution__order_creation_retry_delay_ms": "1000",
            **changes,
        }
        self.it = stage(venues=venues, **settings)
        self.it.start()
        for name in ("first", "second"):
            self.it.engine.record(e.BalancesSynced(trader=name, balances={"USDT": Decimal(10_000)}))
        for number in range(signals):
            self.it.send(f"k{number}", **(fields or {}))

    def run(self, seconds=60):
        self.it.run(seconds)
        return self

    @property
    def sent(self) -> tuple[int, int]:
        return len(self.first.sent), len(self.second.sent)


@pytest.fixture
def two(stage, scripted):
    return lambda *script, **given: Two(stage, scripted, *script, **given)


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        pytest.param(OPEN, (1, 0), id="placed: never"),
        pytest.param(REJECTED, (1, 1), id="rejected for good: at once"),
        pytest.param(BLOCKED, (1, 1), id="the account is blocked: the next time"),
        pytest.param(CLOSED, (1, 1), id="its market is closed: the next time"),
        pytest.param(UPKEEP, (1, 1), id="maintenance: the next time"),
        pytest.param(BANNED, (1, 1), id="banned: the next time, where the address is another"),
        pytest.param(SILENCE, (1, 0), id="ambiguous: not before there is a proof"),
    ],
)
def test_the_second_account_is_asked(two, answer, sent):
    it = two([answer], [OPEN], found=Unanswered(detail="no answer")).run(15)
    assert it.sent == sent


def test_a_ban_of_the_address_keeps_both_accounts_from_it(two):
    it = two([BANNED], [OPEN], exchanges=("x", "x"), execution__max_retry_delay_ms="1000").run(300)
    assert it.sent == (1, 0)
    (entry,) = it.it.engine.parts.pending.entries.values()
    assert entry.obstacle.reason is Reason.NO_TRADER
    assert entry.obstacle.measured == "first: banned: 418; second: banned: 418"


def test_an_ambiguous_order_goes_elsewhere_only_after_the_proof_and_never_where_there_is_none(two):
    it = two([SILENCE, REJECTED], [OPEN]).run(29)
    assert it.sent == (1, 0)
    it.run(60)
    assert it.sent == (2, 1)
    assert it.it.ledger() == {"placed": 1}
    assert [intent.trader for intent in it.it.bodies(e.Intent)] == ["first", "first", "second"]


def test_a_parked_order_never_goes_elsewhere(two):
    it = two([SILENCE], [OPEN], unknown_order_policy=NO_PROOF).run(900)
    assert it.sent == (1, 0)
    assert it.it.ledger() == {"parked": 1}


def test_rejected_by_every_account_it_has_failed(two):
    it = two([REJECTED], [REJECTED]).run(60)
    assert it.sent == (1, 1)
    assert it.it.kinds() == ["accepted", "intent", "deferred", "intent", "failed"]
    assert [event.body.final for event in it.it.journal.read() if isinstance(event.body, e.Deferred)] == [True]


def test_who_rejected_it_is_known_after_a_restart(two, tmp_path, stage, scripted):
    url = f"sqlite:///{tmp_path}/journal.db"
    it = two([REJECTED], [UNREACHED], url=url).run(12)
    before = it.sent
    it.it.kill()
    again = two([OPEN], [OPEN], url=url, start_ns=it.it.clock.now_ns(), signals=0).run(60)
    assert before[0] == 1
    assert again.sent == (0, 1)


def test_attempts_count_over_all_accounts(two):
    it = two([UNREACHED], [UNREACHED], execution__order_creation_retries="3").run(120)
    assert sum(it.sent) == 3
    assert it.it.ledger() == {"failed": 1}
    assert it.it.bodies(e.Failed)[0].reason is Reason.ATTEMPTS_USED_UP


def test_a_sale_closes_what_was_bought_before_it_touches_what_was_paid_in(two):
    filled = fill()
    bought = Acknowledged(venue_order_id="v1", status=OrderStatus.CLOSED, fills=(filled,))
    it = two([bought, OPEN], [OPEN])
    it.it.engine.record(e.BalancesSynced(trader="second", balances={"BTC": Decimal(50)}))
    it.run(12)
    it.it.send("exit", side="sell")
    it.run(40)
    assert it.sent == (2, 0)


def test_a_signal_that_names_its_account_goes_to_no_other(two):
    it = two([REJECTED], [OPEN], fields={"trader": "first"}).run(60)
    assert it.sent == (1, 0)
    assert it.it.ledger() == {"failed": 1}


def test_where_the_first_has_too_little_money_the_second_takes_it(two):
    it = two([OPEN], [OPEN], signals=0)
    it.it.engine.record(e.BalancesSynced(trader="first", balances={"USDT": Decimal(1)}))
    it.it.send("a")
    it.run(15)
    assert it.sent == (0, 1)


def test_an_account_that_fails_in_a_row_is_left_alone_until_a_read_succeeds(two):
    it = two([UNREACHED], [REJECTED], signals=5, execution__order_creation_retries="1")
    it.first.down = VenueUnavailable("refused")
    it.run(12)
    assert it.sent[0] == 5
    it.it.send("later", trader="first")
    it.run(60)
    assert it.sent[0] == 5
    (entry,) = it.it.engine.parts.pending.entries.values()
    assert entry.obstacle.reason is Reason.NO_TRADER
    assert entry.obstacle.measured.startswith("first: circuit_open: orders: ")
    it.first.down, it.first.script = None, [OPEN]
    it.run(120)
    assert it.sent[0] == 6
    assert it.it.ledger()["placed"] == 1


def test_orders_keep_the_pace_of_their_account_and_cost_no_attempt(two):
    it = two([OPEN], [REJECTED], signals=30, fields={"trader": "first"})
    it.it.engine.parts.availability.pace("first", OrderPace((), {10: 5}))
    it.run(11)
    assert it.sent == (5, 0)
    it.run(60)
    assert it.sent == (30, 0)
    for at_s in it.first.sent_at_s:
        assert sum(at_s <= other_s < at_s + 10 for other_s in it.first.sent_at_s) <= 5
    assert it.it.ledger() == {"placed": 30}


def test_no_account_is_never_silent(two):
    it = two([BLOCKED], [BLOCKED], execution__signal_ttl_s="60").run(120)
    assert it.it.ledger() == {"expired": 1}
    (expired,) = it.it.bodies(e.Expired)
    assert expired.reason is Reason.NO_TRADER
    assert expired.measured == "first: account_blocked: -2015; second: account_blocked: -2015"


def raised_by(it, error):
    """The error with which an execution on demand ends, before the first of the interval."""
    it.it.wait(it.it.engine.committed())
    with pytest.raises(error) as raised:
        it.it.wait(execute_with_diagnostics(it.it.engine))
    return raised.value


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(REJECTED, "rejected: no", id="it rejected the order"),
        pytest.param(SILENCE, "no_answer: timed out", id="it did not answer"),
        pytest.param(UNREACHED, "never_sent: refused", id="it could not be reached"),
    ],
)
def test_an_exchange_error_names_the_account_whose_venue_answered(two, answer, words):
    it = two([OPEN], [answer], fields={"trader": "second"}, found=Unanswered(detail="no answer"))
    error = raised_by(it, ExchangeError)
    assert (error.exchange, error.error) == ("second", words)


def test_the_account_that_rejected_an_order_last_is_named(two):
    it = two([REJECTED], [REJECTED])
    assert raised_by(it, ExchangeError).exchange == "second"
    assert it.sent == (1, 1)


@pytest.mark.parametrize(("first", "second", "named"), [([BANNED], [OPEN], "first"), ([OPEN], [BANNED], "second")])
def test_the_trader_that_takes_no_order_is_named(two, first, second, named):
    it = two(first, second, fields={"trader": named}).run(15)
    it.it.send("later", trader=named)
    it.it.send("better", trader=named, strength=1.0)
    assert raised_by(it, TraderUnavailable).trader_id == named
