"""The chain of execution checks: asked in order, up to the first objection, and harmed by none of them."""

import math
from decimal import Decimal

import pytest

from operators.screen import name_of
from streams.checks.account_available import account_available
from streams.checks.check import Wait, first_objection
from streams.checks.halted import halted
from streams.checks.spread import spread
from tidegate.assembly.execution_checks import execution_checks
from tidegate.domain import events as e
from tidegate.domain.order import Acknowledged, NotPlaced, OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side, Signal
from tidegate.domain.verdict import Refusal
from tidegate.insight.preview import blocked
from tidegate.settings import Settings

OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)
BUY = Signal(id="s", content=b"", raw=b"", symbol="BTC/USDT", side=Side.BUY)
NO = Refusal(Reason.NOTIONAL_LIMIT, measured=2, limit=1)


def names(chain) -> list[str]:
    return [name_of(check) for check in chain]


def test_the_first_objection_counts_and_no_check_after_it_is_asked(situation):
    asked = []

    def asks(said):
        return lambda *_: asked.append(said) or said

    chain = asks(None), asks(Wait(Reason.HALTED)), asks(NO)
    assert first_objection(chain, BUY, situation(BUY)) == Wait(Reason.HALTED)
    assert asked == [None, Wait(Reason.HALTED)]
    assert first_objection(chain[:1], BUY, situation(BUY)) is None


def raises(_signal, _situation):
    return 1 / 0


def made(limit):
    def check(_signal, _situation):
        raise KeyError(limit)

    return check


def says_yes(_signal, _situation):
    return True


def waits_for_ever(_signal, _situation):
    return Wait(Reason.RULE, measured=math.inf)


@pytest.mark.parametrize(
    ("check", "rule", "measured"),
    [
        pytest.param(raises, "raises", "ZeroDivisionError('division by zero')", id="a function"),
        pytest.param(made(3), "made", "KeyError(3)", id="one that a function made"),
        pytest.param(says_yes, "says_yes", "must return a Refusal or None, returned True", id="another answer"),
        pytest.param(waits_for_ever, "waits_for_ever", "measured must be finite, was inf", id="no number"),
    ],
)
def test_a_check_that_fails_refuses_its_signal_by_name(situation, check, rule, measured):
    found = first_objection((halted, check, lambda *_: NO), BUY, situation(BUY))
    assert found == Refusal(Reason.CHECK_FAILED, measured=measured, rule=rule)


def quiet(_signal, _situation):
    return Wait(Reason.RULE, measured=Decimal("0.5"), limit=1)


def test_a_reason_of_ones_own_has_the_name_of_its_check(stage, situation):
    found = first_objection((quiet,), BUY, situation(BUY))
    assert found == Wait(Reason.RULE, measured="0.5", limit=1, rule="quiet")
    it = stage(checks=lambda default: (*default, quiet)).start()
    it.send("a", ttl_s=15)
    it.run(16)
    (expired,) = it.bodies(e.Expired)
    assert (expired.reason, expired.rule, expired.measured, expired.limit) == (Reason.RULE, "quiet", "0.5", 1)


def test_what_is_not_known_yet_cannot_be_read(situation):
    found = first_objection((lambda _, there: there.terms.amount,), BUY, situation(BUY))
    assert found.reason is Reason.CHECK_FAILED


def test_the_chain_of_the_default_settings_is_what_always_was():
    assert names(execution_checks(Settings())) == [
        *("halted", "market_data", "account_available"),
        *("order_terms", "minimum", "balance", "own_coins", "order_notional", "position_limit"),
    ]


def test_what_is_switched_on_is_asked_before_an_account_is_chosen():
    market = {"max_spread_bps": 1, "max_volatility": 1, "min_volume": 1, "max_drift_bps": 1, "hours": ["01:00-02:00"]}
    chain = names(execution_checks(Settings.model_validate({"validation": {"market": market}})))
    assert chain[:8] == [
        *("halted", "market_data", "within_hours", "spread", "volatility", "volume", "drift"),
        "account_available",
    ]


def test_a_chain_that_chooses_no_account_is_an_error(stage):
    with pytest.raises(ValueError, match="must include account_available"):
        stage(checks=lambda default: tuple(check for check in default if check is not account_available))


def test_a_check_of_ones_own_knows_the_terms_of_the_order(stage):
    def refuse_many(_signal, situation):
        amount = situation.terms.amount
        return Refusal(Reason.NOTIONAL_LIMIT, measured=str(amount), limit="1") if amount > 1 else None

    it = stage(checks=lambda default: (*default, refuse_many)).start()
    it.send("a", quantity="1")
    it.send("b", quantity="1.01", symbol="ETH/USDT")
    it.run(11)
    assert it.ledger() == {"placed": 1, "refused": 1}
    (refused,) = it.bodies(e.Refused)
    assert (refused.measured, refused.limit) == ("1.01", "1")


def test_a_check_of_ones_own_that_raises_refuses_its_signal_and_harms_no_other(stage):
    def picky(signal, _situation):
        if signal.symbol == "ETH/USDT":
            raise RuntimeError("no")

    it = stage(checks=lambda default: (picky, *default)).start()
    it.send("a")
    it.send("b", symbol="ETH/USDT")
    it.run(11)
    assert it.ledger() == {"placed": 1, "refused": 1}
    (refused,) = it.bodies(e.Refused)
    assert refused.reason is Reason.CHECK_FAILED
    assert (refused.rule, refused.measured) == ("picky", "RuntimeError('no')")


def traded_by_two(stage, scripted, checks):
    """Accounts `first`, asked first, and `second`, with money; and what each was sent by the first execution."""
    made = []

    def venues(it):
        made.extend((scripted(it, OPEN), scripted(it, OPEN)))
        made[0].trader, made[1].trader = "first", "second"
        return made

    traders = '[{"id": "first", "priority": 2}, {"id": "second"}]'
    it = stage(venues=venues, traders=traders, checks=checks).start()
    for name in ("first", "second"):
        it.engine.record(e.BalancesSynced(trader=name, balances={"USDT": Decimal(10_000)}))
    it.send("a", ttl_s=40)
    it.run(11)
    return it, [len(venue.sent) for venue in made]


@pytest.mark.parametrize("waiting", ["first", "second"])
@pytest.mark.parametrize(
    "placed",
    [
        pytest.param(lambda check, default: (check, *default), id="before an account is chosen"),
        pytest.param(lambda check, default: (*default, check), id="of the order"),
    ],
)
def test_a_signal_waits_where_one_of_two_accounts_may_become_free_of_what_it_waits_for(
    stage, scripted, waiting, placed
):
    def check(_signal, situation):
        return Wait(Reason.SPREAD_TOO_WIDE) if situation.trader.id == waiting else NO

    it, sent = traded_by_two(stage, scripted, lambda default: placed(check, default))
    assert sent == [0, 0]
    assert it.ledger() == {"waiting": 1}
    it.run(40)
    (expired,) = it.bodies(e.Expired)
    assert expired.reason is Reason.SPREAD_TOO_WIDE


@pytest.mark.parametrize("objected", ["first", "second"])
def test_only_an_account_that_nothing_is_said_against_gets_the_order(stage, scripted, objected):
    def check(_signal, situation):
        return NO if situation.trader.id == objected else None

    for checks in (lambda default: (check, *default), lambda default: (*default, check)):
        _, sent = traded_by_two(stage, scripted, checks)
        assert sent == ([0, 1] if objected == "first" else [1, 0])


def test_of_two_accounts_that_refuse_the_last_one_counts(stage, scripted):
    def check(_signal, situation):
        return Refusal(Reason.NOTIONAL_LIMIT, measured=situation.trader.id)

    for checks in (lambda default: (check, *default), lambda default: (*default, check)):
        it, _ = traded_by_two(stage, scripted, checks)
        assert [refused.measured for refused in it.bodies(e.Refused)] == ["second"]


def test_a_halt_is_shown_before_a_backoff_and_a_backoff_before_all_else(trading):
    it = trading(NotPlaced(reason=Reason.NEVER_SENT, detail="refused", final=False))
    it.run(10.5)
    assert blocked(it.engine) == (0, {Reason.BACKOFF: 1})
    it.engine.record(e.Halted(reduce_only=True, why="a test"))
    it.run(0.1)
    assert blocked(it.engine) == (0, {Reason.HALTED: 1})


def test_the_checks_of_the_chain_are_those_of_the_preview(stage):
    it = stage(checks=lambda default: (lambda *_: Wait(Reason.SPREAD_TOO_WIDE), *default)).start()
    it.send("a")
    it.run(1)
    assert blocked(it.engine) == (0, {Reason.SPREAD_TOO_WIDE: 1})


def test_a_check_before_the_account_is_chosen_finds_every_price_and_one_after_it_the_account(situation):
    there = situation(BUY)
    assert first_objection((spread(Decimal(201)), halted, account_available), BUY, there) is None
    assert [trader.id for trader in there.accounts] == ["paper"]
