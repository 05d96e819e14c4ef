"""The checker blames the pipeline only for what it did: not for strangers, and not for a clock that was set."""

import pytest

from tidegate.domain import events as e
from tidegate.settings import load_settings
from tidegate.torture.checker import check
from tidegate.torture.faulty import FeesIn, Lag, VenueFault, VenueFaultKind
from tidegate.torture.tortured_setup import TorturedSetup


@pytest.fixture
def beside_strangers(pilot_of, tmp_path):
    """A run in which a stranger's order rests for a while, three deposits after a kill."""
    it = pilot_of(
        TorturedSetup(load_settings(environ={}), tmp_path),
        lag=Lag(proves=False, fence_s=None),
        fees_in=FeesIn.QUOTE,
        pushes=False,
    )
    it.kill(1)
    paper = it.around.venues["paper"]
    for _ in range(3):
        paper.begin(VenueFault(kind=VenueFaultKind.DEPOSIT, trader="paper"))
    paper.begin(VenueFault(kind=VenueFaultKind.FOREIGN_ORDER, at_s=1, seconds=40, trader="paper"))
    it.start()
    it.settle()
    return it.history()


def test_what_strangers_spend_is_no_mistake_of_ours(beside_strangers):
    bodies = [event.body for event in beside_strangers.events]
    rejected = [body for body in bodies if isinstance(body, e.Deferred | e.Failed)]
    assert any("insufficient balance" in body.detail for body in rejected)
    assert check(beside_strangers) == []


def test_the_same_rejection_without_strangers_is(beside_strangers):
    beside_strangers.ledger.strangers_acted = False
    assert "I2" in {violation.invariant for violation in check(beside_strangers)}


def test_an_order_that_was_sent_before_a_ban_is_no_mistake_though_the_clock_is_set_back_later(pilot_of, tmp_path):
    setup = TorturedSetup(load_settings(environ={}), tmp_path)
    it = pilot_of(setup, lag=Lag(proves=False, fence_s=None), fees_in=FeesIn.QUOTE, pushes=False)
    it.around.venues["paper"].spoil_next(VenueFaultKind.BANNED, 1.0)
    it.let_pass(11)
    it.around.step_clock(-40, 60)
    it.settle()
    past = it.history()
    assert past.ledger.bans
    assert check(past) == []
