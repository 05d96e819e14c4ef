"""Whatever is done to a pipeline, in whatever order: the promise holds at every step, and all is settled in the end."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tidegate.domain import events as e
from tidegate.settings import load_settings
from tidegate.torture.checker import check
from tidegate.torture.faulty import FeesIn, Lag, Planned, VenueFault, VenueFaultKind
from tidegate.torture.faulty.fault import OF_A_LISTING, OF_A_LOOKUP, OF_A_SEND, OF_RESTING, STRANGERS
from tidegate.torture.tortured_setup import TorturedSetup

ALWAYS = {"I2", "I3", "I4", "I5", "I6", "I7"}  # the others speak of the end
OF_AN_ORDER = [VenueFaultKind.HIDDEN, VenueFaultKind.CANCELED, VenueFaultKind.FILLED, VenueFaultKind.UPDATE_LOST]
SPOILED = [*OF_A_SEND, *OF_A_LOOKUP, *OF_A_LISTING, *OF_AN_ORDER]

seconds = st.floats(0.05, 8).map(lambda number: round(number, 2))
names = st.sampled_from(["paper", "twin"])


class Trading(RuleBasedStateMachine):
    pilot_of = None
    """Set by the test: tests are not a package."""

    @initialize(proves=st.booleans(), fees_in=st.sampled_from(list(FeesIn)), pushes=st.booleans())
    def begin(self, proves, fees_in, pushes):
        self.folder = tempfile.TemporaryDirectory()
        setup = TorturedSetup(load_settings(environ={}), Path(self.folder.name))
        lag = Lag(proves=proves, fence_s=5.0 if proves else None)
        self.it = type(self).pilot_of(setup, lag=lag, fees_in=fees_in, pushes=pushes)
        self.sent = 0

    @rule(
        symbol=st.integers(0, 1),
        side=st.sampled_from(["buy", "sell"]),
        price=st.sampled_from([None, 0.8, 1.25]),
        quantity=st.sampled_from([None, 0.25, 3.0]),
    )
    def a_signal_comes(self, symbol, side, price, quantity):
        self.sent += 1
        symbol = self.it.setup.symbols[symbol]
        self.it.around.source.send(Planned(f"k{self.sent}", 0, symbol, side, price=price, quantity=quantity))

    @precondition(lambda self: self.it.alive)
    @rule(passed_s=st.sampled_from([0.01, 0.06, 1, 5, 11, 31, 70]))
    def time_passes(self, passed_s):
        self.it.let_pass(passed_s)

    @rule(trader=names, kind=st.sampled_from(SPOILED), late_s=seconds)
    def the_next_thing_goes_wrong(self, trader, kind, late_s):
        self.it.around.venues[trader].spoil_next(kind, late_s)

    @rule(trader=names, kind=st.sampled_from(sorted(STRANGERS | OF_RESTING)), for_s=st.sampled_from([0, 40]))
    def something_happens_on_an_account(self, trader, kind, for_s):
        self.it.around.venues[trader].begin(VenueFault(kind=kind, at_s=for_s / 40, seconds=for_s, trader=trader))

    @precondition(lambda self: self.it.alive)
    @rule(by_s=st.sampled_from([-3600, -40, 40, 3600]))
    def the_clock_is_set_and_set_back(self, by_s):
        self.it.around.step_clock(by_s, 60)

    @rule(trader=names, for_s=st.sampled_from([5, 30, 90]))
    def a_venue_goes_away(self, trader, for_s):
        self.it.around.venues[trader].begin(VenueFault(kind=VenueFaultKind.AWAY, seconds=for_s, trader=trader))

    @precondition(lambda self: self.it.alive)
    @rule(dead_s=st.sampled_from([1, 10, 100]))
    def it_is_killed(self, dead_s):
        self.it.kill(dead_s)

    @precondition(lambda self: not self.it.alive)
    @rule()
    def it_starts(self):
        self.it.start()

    @precondition(lambda self: self.it.alive)
    @rule(for_s=st.sampled_from([1, 20]))
    def a_person_halts_it_for_a_while(self, for_s):
        self.it.around.halt(for_s)

    @precondition(lambda self: self.it.alive)
    @rule(for_s=st.sampled_from([2, 60, 600]))
    def the_machine_sleeps(self, for_s):
        self.it.world.suspend(for_s)

    @precondition(lambda self: self.it.alive)
    @rule(for_s=st.sampled_from([1, 20]))
    def the_disk_fails_for_a_while(self, for_s):
        self.it.around.disk.fails_until_ns = self.it.world.now_ns() + for_s * 10**9

    @precondition(lambda self: self.it.alive)
    @rule()
    def a_person_decides_what_is_parked(self):
        taken = {order.request.client_order_id for order in self.it.world.ledger.taken}
        parked = [history for history in self.it.journal.histories() if isinstance(history.events[-1].body, e.Parked)]
        for history in parked:
            order_id = history.events[-1].body.client_order_id
            if order_id not in taken:
                self.it.engine.resolution.resolve_as_not_placed(history.number, "looked it up")

    @precondition(lambda self: self.it.alive)
    @invariant()
    def the_promise_holds(self):
        past = self.it.history(over=False)
        taken = {order.request.client_order_id for order in past.ledger.taken}
        broken = [v for v in check(past) if v.invariant in ALWAYS]
        # What was not told yet, or not looked up, is not wrong yet.
        late = [v for v in broken if v.invariant == "I6" and any(v.what.startswith(f"{name} is") for name in taken)]
        assert [v for v in broken if v not in late] == []

    def teardown(self):
        if not hasattr(self, "it"):
            return
        while not self.it.alive:
            self.it.start()
        self.it.settle()
        assert check(self.it.history()) == []
        self.it.kill()
        self.folder.cleanup()


@pytest.mark.slow
def test_the_promise_holds_whatever_is_done(pilot_of, request):
    """The same hundred sequences each time; others with `--hypothesis-seed`."""
    Trading.pilot_of = pilot_of
    case = Trading.TestCase
    case.settings = settings(
        max_examples=100,
        stateful_step_count=30,
        deadline=None,
        derandomize=request.config.getoption("--hypothesis-seed") is None,
        suppress_health_check=list(HealthCheck),
    )
    case("runTest").runTest()
