"""The public pipeline: composed, watched and asked on the loop that runs it, in simulated time."""

import asyncio
import json
import sys
from collections import Counter
from contextlib import closing
from threading import Thread

import pytest
import reactivex as rx
from loguru import logger
from reactivex import Subject, merge
from reactivex import operators as ops

from operators import screen
from operators.notebook import only_accepted
from tidegate import ExecutionCycle, Pipeline
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain import events as e
from tidegate.domain.check_result import Health
from tidegate.domain.errors import (
    ConfidenceTooLow,
    JournalRefused,
    NoSignalsAvailable,
    NotAccepted,
    SettingsError,
    SignalNotFound,
    TidegateError,
    TradingLimitsExceeded,
)
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw
from tidegate.domain.verdict import Refusal
from tidegate.journal import open_journal
from tidegate.settings import Settings

START_NS = 1_735_689_600_000_000_000
STREAMS = ["events", "verdicts", "executions", "quotes", "candles"]


def signal(key="k1", **fields):
    return {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": key, **fields}


class Live:
    """A folder with a journal, and pipelines over it in simulated time; executions come 10 s after the start."""

    def __init__(self, folder):
        self.folder, self.loop = folder, VirtualLoop()
        self.url = f"sqlite:///{folder}/journal.db"
        self.clock = Clock.simulated(self.loop, START_NS)

    def settings(self, **sections):
        return Settings.model_validate({"journal": {"url": self.url}, "logging": {"json_file": None}, **sections})

    def pipeline(self, sections=None, **composed):
        return Pipeline(self.settings(**(sections or {})), clock=self.clock, **{"strategies": False, **composed})

    def run(self, scene, sections=None, **composed):
        """Let `scene` happen in a running pipeline; gives what it returns."""

        async def whole():
            async with self.pipeline(sections, **composed) as p:
                return await scene(p)

        done = self.loop.run_until_complete(whole())
        assert self.loop.unhandled == []
        return done

    def events(self, kind):
        with closing(open_journal(self.url)) as journal:
            return [event.body for event in journal.read() if isinstance(event.body, kind)]


@pytest.fixture
def live(tmp_path):
    return Live(tmp_path)


def incidents(live):
    return [(body.where, body.text) for body in live.events(e.Incident)]


def test_a_signal_is_submitted_executed_explained_and_reported(live):
    async def scene(p):
        receipt = await p.submit(signal(order_type="market"))
        await p.until_idle()
        return receipt, p.history(receipt.signal_id), p.report(), p.positions()

    receipt, history, report, (position,) = live.run(scene)
    assert receipt.new
    assert history.summary.outcome is Outcome.PLACED
    assert [step.kind for step in history.steps] == ["accepted", "intent", "placed"]
    assert "buy BTC/USDT: placed" in str(history)
    assert (report["received"], report["placed"], report["balanced"]) == (1, 1, True)
    assert (position.symbol, position.state) == ("BTC/USDT", "open")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(signal(strength=0.8), (True, False, None), id="new"),
        pytest.param(signal(), (False, True, None), id="redelivered"),
        pytest.param(json.dumps(signal()).encode(), (False, True, None), id="redelivered, as bytes"),
        pytest.param(signal("k2", strength=0.1), (True, False, Reason.WEAK), id="new and refused"),
        pytest.param(b"{", (True, False, Reason.MALFORMED), id="new and unreadable"),
    ],
)
def test_a_receipt_says_whether_the_signal_was_new(live, given, expected):
    async def scene(p):
        await p.submit(signal())
        return await p.submit(given if expected != (True, False, None) else signal("k3"))

    receipt = live.run(scene)
    assert (receipt.new, receipt.redelivered, receipt.reason) == expected
    assert receipt.signal_id is not None


def test_a_signal_that_was_shed_is_not_new_and_has_no_id(live):
    async def scene(p):
        await p.submit(signal())
        return await p.submit(signal("k2"))

    receipt = live.run(scene, {"intake": {"max_per_s": 0.001, "burst": 1}})
    assert (receipt.new, receipt.signal_id, receipt.reason) == (False, None, Reason.RATE_LIMITED)


def test_everything_is_published_to_subscribers_from_before_and_after_the_start(live):
    seen = {}

    def watch(p, when):
        for name in STREAMS:
            getattr(p, name).subscribe(seen.setdefault((when, name), []).append)

    async def whole():
        p = live.pipeline()
        watch(p, "before")
        async with p:
            watch(p, "after")
            await p.submit(signal())
            await p.submit(signal())
            await p.submit(signal("weak", strength=0.1))
            await live.clock.sleep(12)
        return p

    live.loop.run_until_complete(whole())
    for name in STREAMS:
        assert seen["before", name][-len(seen["after", name]) :] == seen["after", name] != []
    kinds = [e.kind_of(event.body) for event in seen["after", "events"] if event.number]
    assert kinds == ["accepted", "redelivered", "refused", "intent", "placed"]
    assert [verdict.refusal and verdict.refusal.reason for verdict in seen["after", "verdicts"]] == [None, Reason.WEAK]
    assert all(isinstance(cycle, ExecutionCycle) for cycle in seen["after", "executions"])


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_subscriber_that_raises_is_dropped_and_recorded_by_name(live, name, when):
    healthy = []

    def broken(_):
        raise ZeroDivisionError("mine")

    async def whole():
        p = live.pipeline()
        if when == "before":
            getattr(p, name).pipe(ops.map(lambda it: it)).subscribe(broken)
        getattr(p, name).subscribe(healthy.append)
        async with p:
            if when == "after":
                getattr(p, name).pipe(ops.map(lambda it: it)).subscribe(broken)
            await p.submit(signal())
            await live.clock.sleep(12)
            return p.report(), p.diagnose()

    report, checks = live.loop.run_until_complete(whole())
    assert (report["placed"], report["balanced"]) == (1, True)
    assert next(check for check in checks if check.subject == "pipeline").verdict is Health.OK
    ((where, error),) = incidents(live)
    assert "broken (test_pipeline.py, line" in where
    assert "ZeroDivisionError: mine" in error
    assert len(healthy) > 0
    assert live.loop.unhandled == []


def test_a_subscriber_that_hangs_is_dropped_and_the_pipeline_continues(live):
    stood_ns = 0

    def steady_ns():
        return START_NS + live.loop.time_ns() + stood_ns

    def hang(_):
        nonlocal stood_ns
        stood_ns += 3_000_000_000

    async def scene(p):
        p.events.subscribe(hang, name="a slow chart")
        first = await p.submit(signal())
        return first, await p.submit(signal("k2")), p.report()["faults"]

    live.clock = Clock(live.loop, epoch_ns=0, steady_ns=steady_ns, wall_ns=steady_ns)
    first, second, faults = live.run(scene)
    assert first.new
    assert second.new
    assert faults["subscriber a slow chart"]["count"] == 1
    assert "took 3 s" in faults["subscriber a slow chart"]["last"]
    assert stood_ns == 3_000_000_000


def test_streams_complete_when_the_pipeline_stops(live):
    ended = []

    async def scene(p):
        for name in STREAMS:
            getattr(p, name).subscribe(on_completed=lambda name=name: ended.append(name))

    live.run(scene)
    assert ended == STREAMS


def test_sources_of_ones_own_bring_mappings_json_and_raw_from_any_thread(live):
    mine, other = Subject(), Subject()

    async def scene(p):
        mine.on_next(signal("a"))
        mine.on_next(json.dumps(signal("b")))
        mine.on_next(json.dumps(signal("c")).encode())
        mine.on_next(Raw(json.dumps(signal("d")).encode(), may_say_now=True))
        thread = Thread(target=lambda: other.on_next(signal("e")))
        thread.start()
        thread.join()
        await p.until_idle()
        return [p.history(key).summary.outcome for key in "abcde"]

    assert live.run(scene, sources=[mine, other]) == [Outcome.PLACED] * 5


def test_a_source_that_fails_or_gives_nonsense_is_recorded_and_harms_no_other(live):
    bad, good = Subject(), Subject()
    circle = {}
    circle["itself"] = circle

    async def scene(p):
        bad.on_next(circle)
        bad.on_next(42)
        bad.on_error(OSError("gone"))
        good.on_next(signal("good"))
        await p.until_idle()
        return p.report()

    report = live.run(scene, sources=[bad, good])
    assert (report["placed"], report["refused"], report["reasons"]) == (1, 2, {"malformed": 2})
    assert [(where, error.partition(" (")[0]) for where, error in incidents(live)] == [
        ("source 1 of the program", "OSError: gone")
    ]


def test_a_source_with_a_timer_and_no_scheduler_goes_by_the_clock_of_the_pipeline(live):
    every_second = rx.interval(1).pipe(ops.take(3), ops.map(lambda n: signal(str(n))))

    async def scene(p):
        await live.clock.sleep(4)
        return p.report()["received"]

    assert live.run(scene, sources=[every_second]) == 3


def cycles_of(live, executions, *, for_s=75.0):
    """How many seconds after the start executions come, with these of one's own."""
    at_s = []

    async def scene(p):
        p.executions.subscribe(lambda cycle: at_s.append(live.loop.time()))
        await p.submit(signal("waits", ttl_s=1000, quantity="100000"))
        await p.halt()
        await live.clock.sleep(for_s)

    live.run(scene, executions=executions)
    return at_s


def test_an_execution_schedule_of_ones_own_comes_beside_the_default_one(live):
    mine = rx.timer(5, 20).pipe(ops.map(lambda _: ExecutionCycle()))
    assert cycles_of(live, lambda default: merge(default, mine)) == [5, 10, 25, 40, 45, 65, 70]
    assert incidents(live) == []


def test_it_may_take_the_place_of_the_default_one(live):
    mine = rx.timer(7, 30).pipe(ops.map(lambda _: ExecutionCycle()))
    assert cycles_of(live, lambda _: mine) == [7, 37, 67]


@pytest.mark.parametrize(
    ("executions", "incident"),
    [
        pytest.param(lambda default: merge(default, rx.throw(OSError("mine"))), "OSError: mine", id="an error"),
        pytest.param(lambda _: rx.timer(3).pipe(ops.map(lambda _: 1 / 0)), "ZeroDivisionError", id="a later error"),
        pytest.param(lambda default: default.pipe(ops.take(1)), "RuntimeError: one's own executions", id="an end"),
        pytest.param(lambda _: 1 / 0, "ZeroDivisionError", id="it raises when it is composed"),
        pytest.param(lambda _: None, "AttributeError", id="it gives no observable"),
        pytest.param(
            lambda default: merge(default, rx.timer(3).pipe(ops.map(lambda _: "now"))), "TypeError", id="no cycle"
        ),
        pytest.param(
            lambda default: merge(default, rx.timer(3).pipe(ops.map(lambda _: ExecutionCycle(due_ns="now")))),
            "TypeError",
            id="a cycle of other types",
        ),
    ],
)
def test_what_goes_wrong_with_ones_own_executions_leaves_the_default_ones(live, executions, incident):
    assert cycles_of(live, executions) == [10, 40, 70]
    ((where, error),) = incidents(live)
    assert where == "executions"
    assert error.startswith(incident)


def unsure(given, at_ns):
    if given.confidence < 0.95:
        return Refusal(Reason.RULE, given.confidence, 0.95, rule="mine:unsure")
    return None


def test_rules_of_ones_own_are_composed_with_the_default_ones(live):
    async def scene(p):
        receipts = [await p.submit(signal("sure", confidence=1.0)), await p.submit(signal("unsure"))]
        receipts.append(await p.submit(signal("weak", strength=0.1, confidence=1.0)))
        return [receipt.reason for receipt in receipts], str(p.history("unsure")), p.report()

    reasons, shown, report = live.run(scene, rules=lambda default: rx.compose(default, screen(lambda: unsure)))
    assert reasons == [None, Reason.RULE, Reason.WEAK]
    assert "mine:unsure" in shown
    assert "0.9" in shown
    assert "0.95" in shown
    assert report["rules"] == {"rule: mine:unsure": 1}


def explode(source):
    return source.pipe(ops.do_action(lambda verdict: 1 / (verdict.signal.key != "bad")))


def swallow(source):
    return source.pipe(ops.filter(lambda verdict: verdict.signal.key != "bad"))


def double(source):
    return source.pipe(ops.flat_map(lambda verdict: rx.of(*[verdict] * (1 + (verdict.signal.key == "bad")))))


@pytest.mark.parametrize("stage", [explode, swallow, double])
def test_a_stage_that_breaks_its_promise_refuses_that_verdict_by_name(live, stage):
    async def scene(p):
        receipts = [await p.submit(signal(key)) for key in ("before", "bad", "after")]
        return [receipt.reason for receipt in receipts], str(p.history("bad"))

    reasons, shown = live.run(scene, rules=lambda default: rx.compose(default, stage))
    assert reasons == [None, Reason.CHECK_FAILED, None]
    assert stage.__name__ in shown


def test_a_rule_that_would_lose_signals_is_an_error_at_the_start(live):
    p = live.pipeline(rules=lambda default: rx.compose(default, only_accepted()))
    with pytest.raises(TypeError, match="only_accepted"):
        live.loop.run_until_complete(p.start())
    live.run(lambda p: p.submit(signal()))


def test_halting_and_resuming_are_durable_events(live):
    async def scene(p):
        await p.halt("enough")
        await p.submit(signal())
        await live.clock.sleep(12)
        halted = p.report()["waiting"]
        await p.reduce_only()
        await p.resume()
        p.trigger()
        await p.until_idle()
        return halted, p.report()["placed"]

    assert live.run(scene) == (1, 1)
    assert [(body.reduce_only, body.why) for body in live.events(e.Halted)] == [
        (False, "enough"),
        (True, "reduce-only by the program"),
    ]


def test_a_trader_is_checked_reported_as_failing_and_known_by_name(live):
    async def scene(p):
        assert p.check_trader("paper") is None
        assert list(p.available_traders()) == ["paper"]
        for ask in (p.check_trader, lambda name: p.report_trader_failure(name, "down")):
            with pytest.raises(TidegateError, match="there is no trader nobody: the settings have paper"):
                ask("nobody")
        p.report_trader_failure("paper", "its socket closed", retry_after_s=30)
        suspended = p.check_trader("paper")
        await live.clock.sleep(31)
        for _ in range(5):
            p.report_trader_failure("paper", "timed out")
        return suspended.why, p.check_trader("paper").why.reason

    why, later = live.run(scene)
    assert (why.reason, why.measured) == (Reason.REJECTED_FOR_NOW, "its socket closed")
    assert later is Reason.CIRCUIT_OPEN


def test_one_signal_is_executed_with_attempts_and_latency(live):
    async def scene(p):
        await p.submit(signal("other", symbol="ETH/USDT"))
        execution = await p.execute_with_diagnostics(signal())
        again = await p.execute_with_diagnostics(signal())
        return execution, again, p.report()["waiting"]

    execution, again, waiting = live.run(scene)
    (signal_id,) = execution.placed
    assert execution.attempts == {signal_id: 1}
    assert execution.latency_ms == {signal_id: 0.0}
    assert (execution.ended, execution.waiting, waiting) == ({}, {}, 1)
    assert again.placed == (signal_id,)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        pytest.param({"strength": 0.1}, ConfidenceTooLow, id="weak"),
        pytest.param({"quantity": "100"}, TradingLimitsExceeded, id="a limit"),
        pytest.param({"symbol": "DOGE/USDT"}, TradingLimitsExceeded, id="unknown symbol"),
        pytest.param({"strength": 7}, TradingLimitsExceeded, id="malformed"),
    ],
)
def test_one_signal_that_is_not_placed_is_an_error_of_its_own(live, fields, error):
    async def scene(p):
        await p.submit(signal("good", strength=1.0))
        with pytest.raises(error):
            await p.execute_with_diagnostics(signal("bad", **fields))
        return await p.execute_with_diagnostics()

    assert len(live.run(scene).placed) == 1


def test_executing_nothing_says_so(live):
    async def scene(p):
        with pytest.raises(NoSignalsAvailable):
            await p.execute_with_diagnostics()

    live.run(scene)


def test_only_one_pipeline_runs_on_a_journal(live):
    async def scene(_):
        other = live.pipeline()
        with pytest.raises(JournalRefused, match="is being written by process"):
            await other.start()

    live.run(scene)
    live.run(lambda p: p.submit(signal()))


def test_a_pipeline_runs_once(live):
    async def scene(p):
        with pytest.raises(TidegateError, match="runs once"):
            await p.start()
        await p.stop()
        assert await p.stop() == {}
        with pytest.raises(NotAccepted, match="not running"):
            await p.submit(signal())
        with pytest.raises(TidegateError, match="not running"):
            p.trigger()
        return p.report()["received"]

    assert live.run(scene) == 0


def test_cancelled_it_stops_in_order(live):
    async def whole():
        running = asyncio.ensure_future(forever())
        await live.clock.sleep(5)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    async def forever():
        async with live.pipeline() as p:
            await p.submit(signal())
            await p.serve_forever()

    live.loop.run_until_complete(whole())
    assert [body.left for body in live.events(e.Stopped)] == [{"waiting": 1}]
    live.run(lambda p: p.until_idle())


def test_cancelled_while_it_stops_it_stops_in_order_all_the_same(live):
    async def whole():
        p = live.pipeline()
        await p.start()
        stopping = asyncio.ensure_future(p.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        assert [body.left for body in live.events(e.Stopped)] == [{}]

    live.loop.run_until_complete(whole())


def test_a_pipeline_that_breaks_says_so_to_all_who_wait(live):
    async def whole():
        p = live.pipeline()
        await p.start()
        serving = asyncio.ensure_future(p.serve_forever())
        await live.clock.sleep(1)
        p._engine.parts.commits.committed.subscribe(lambda _: 1 / 0, lambda _: None)  # what must not raise does
        for ask in (p.submit(signal()), p.execute_with_diagnostics(), serving):
            with pytest.raises(TidegateError, match="a stream broke, nothing more is sent: ZeroDivisionError"):
                await ask
        await p.stop()

    live.loop.run_until_complete(whole())


def test_it_logs_nothing_unless_asked(live, capfd):
    lines = []
    own = logger.add(lines.append)
    try:
        live.run(lambda p: p.submit(signal("weak", strength=0.1)))
        assert lines == []
        live.run(lambda p: p.execute_with_diagnostics(signal()), log=True)
        assert lines != []
    finally:
        logger.remove(own)
    assert "weak" not in capfd.readouterr().err


def test_settings_may_be_a_path_with_overrides(tmp_path, live):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"journal": {"url": live.url}, "logging": {"json_file": None}}))
    assert Pipeline(file, overrides={"execution.interval_s": "5"}).settings.execution.interval_s == 5
    assert Pipeline(str(file)).settings.execution.interval_s == 30
    with pytest.raises(SettingsError, match=r"did you mean execution\.interval_s\?"):
        Pipeline(file, overrides={"execution.intervall_s": "5"})
    with pytest.raises(TidegateError, match="overrides"):
        Pipeline(live.settings(), overrides={"execution.interval_s": "5"})


def test_outside_of_a_loop_a_subscription_says_where_it_belongs(live):
    with pytest.raises(TidegateError, match="on the loop that is to run the pipeline"):
        Pipeline(live.settings()).events  # noqa: B018


def test_what_is_not_in_the_journal_is_named(live):
    live.run(lambda p: p.submit(signal()))
    with pytest.raises(SignalNotFound, match="nowhere"):
        live.pipeline().history("nowhere")
    assert live.pipeline().history("k1").summary.key == "k1"


def test_importing_it_imports_no_adapter_of_a_real_exchange():
    assert "ccxt" not in sys.modules or "tidegate.venues.ccxt" in sys.modules


class Kinds:
    """A fold of one's own: how many events there were of each kind."""

    name = "kinds"

    def __init__(self):
        self.counts = Counter()

    def fold(self, events):
        self.counts.update(e.kind_of(event.body) for event in events)

    def image(self):
        return json.dumps(self.counts).encode()

    def restore(self, image):
        self.counts = Counter(json.loads(image))


def test_execution_checks_and_folds_of_ones_own_are_composed_and_kept(live):
    def no_ether(it, _situation):
        return Refusal(Reason.RULE, rule="mine:no_ether") if it.symbol == "ETH/USDT" else None

    async def scene(p):
        await p.submit(signal(order_type="market"))
        refused = await p.submit(signal("k2", symbol="ETH/USDT"))
        await p.until_idle()
        return p.history(refused.signal_id).summary

    first, again = Kinds(), Kinds()
    summary = live.run(scene, checks=lambda default: (*default, no_ether), folds=[first])
    assert (summary.outcome, summary.reason, summary.rule) == (Outcome.REFUSED, Reason.RULE, "mine:no_ether")
    assert (first.counts["placed"], first.counts["refused"]) == (1, 1)
    again_live = Live(live.folder)
    again_live.run(lambda p: p.submit(signal("k3", order_type="market")), folds=[again])
    assert again.counts["accepted"] == first.counts["accepted"] + 1
