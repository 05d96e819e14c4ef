"""The facade, with real threads and a real loop; nothing sleeps, every wait is for a result."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from threading import Barrier, Semaphore
from types import MappingProxyType

import pytest

from tidegate import SignalOrderPipeline
from tidegate.domain import events as e
from tidegate.domain.check_result import CheckResult, Health
from tidegate.domain.errors import (
    ConfidenceTooLow,
    ExchangeError,
    JournalRefused,
    NoSignalsAvailable,
    NotAccepted,
    PositionLimitsExceeded,
    SettingsError,
    SignalExpired,
    TidegateError,
    TraderUnavailable,
    TradingLimitsExceeded,
)
from tidegate.domain.reading import read_signal
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Side
from tidegate.journal.sqlite_journal import SqliteJournal, SqliteReader
from tidegate.settings import Settings

ONLY_WHEN_ASKED = {"interval_s": 3600, "first_after_s": 3600, "signal_ttl_s": 3600}


def saying(**fields):
    said = {"symbol": "BTC/USDT", "type": "BUY", "strength": 0.9, "timestamp": time.time() * 1000, **fields}
    return {name: value for name, value in said.items() if value is not None}


class Measured(float):
    """As numpy has them."""


class Moment(datetime):
    """As pandas has them."""


class Place:
    """A journal of its own, and pipelines over it that execute only when they are asked."""

    def __init__(self, folder):
        self.folder = folder
        self.url = f"sqlite:///{folder}/journal.db"

    def settings(self, **sections):
        execution = {**ONLY_WHEN_ASKED, **sections.pop("execution", {})}
        said = {"journal": {"url": self.url}, "execution": execution, "logging": {"json_file": None}, **sections}
        said.setdefault("validation", {"max_signal_age_ms": 600_000})
        return Settings.model_validate(said)

    def pipeline(self, **sections):
        return SignalOrderPipeline(self.settings(**sections), strategies=False)

    def first_event(self, signal_id):
        with closing(SqliteReader(self.url)) as journal:
            return journal.history(journal.find([signal_id])[signal_id]).events[0].body

    def kinds(self):
        with closing(SqliteReader(self.url)) as journal:
            return Counter(e.kind_of(event.body) for event in journal.read() if event.number)

    def ids(self):
        with closing(SqliteReader(self.url)) as journal:
            return [history.signal_id for history in journal.histories()]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def finding(pipeline, subject):
    return next(found for found in pipeline.diagnose_execution_readiness() if found.subject == subject)


def test_a_signal_is_added_executed_and_placed(place):
    with place.pipeline() as pipeline:
        signal_id = pipeline.add_signal(saying(key="a"))
        assert isinstance(place.first_event(signal_id), e.Accepted)  # a reader beside it sees it at once
        execution = pipeline.execute_with_diagnostics()
    assert (execution.placed, execution.ended, execution.waiting) == ((signal_id,), {}, {})
    assert place.kinds() == {"accepted": 1, "intent": 1, "placed": 1}


@pytest.mark.parametrize("written", [bytes, str])
def test_a_signal_may_come_as_json(place, written):
    line = json.dumps(saying(key="a"))
    with place.pipeline() as pipeline:
        signal_id = pipeline.add_signal(line.encode() if written is bytes else line)
        assert pipeline.execute_with_diagnostics().placed == (signal_id,)


def now(zone=UTC):
    return datetime.now(zone)


@pytest.mark.parametrize(
    ("field", "value", "understood"),
    [
        pytest.param("type", "SELL", Side.SELL, id="type SELL"),
        pytest.param("type", Side.SELL, Side.SELL, id="an enum"),
        pytest.param("price", Decimal("68000.10"), Decimal("68000.10"), id="a Decimal price"),
        pytest.param("price", 68000.1, Decimal("68000.1"), id="a float price"),
        pytest.param("price", "68000.10", Decimal("68000.10"), id="a price as text"),
        pytest.param("quantity", Measured(0.01), Decimal("0.01"), id="a float of another library"),
        pytest.param("strength", Decimal("0.75"), 0.75, id="a Decimal strength"),
        pytest.param("strength", Fraction(3, 4), 0.75, id="a fraction"),
        pytest.param("tags", ("dip", "night"), ("dip", "night"), id="a tuple"),
    ],
)
def test_a_mapping_may_hold_what_programs_hold(place, field, value, understood):
    with place.pipeline() as pipeline:
        signal_id = pipeline.add_signal(MappingProxyType(saying(**{field: value})))
    assert isinstance(place.first_event(signal_id), e.Accepted)
    with closing(SqliteReader(place.url)) as journal:
        (history,) = journal.histories()
    signal, refusal = read_signal(Raw(history.raw), history.events[0].at_ns)
    assert refusal is None
    assert getattr(signal, "side" if field == "type" else field) == understood


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(lambda: now(), id="a datetime"),
        pytest.param(lambda: now(timezone(timedelta(hours=9))), id="a datetime of another zone"),
        pytest.param(lambda: now().isoformat(), id="ISO 8601"),
        pytest.param(lambda: int(time.time() * 1000), id="milliseconds"),
        pytest.param(lambda: Measured(time.time() * 1000), id="milliseconds of another library"),
        pytest.param(lambda: Moment.now(UTC), id="a datetime of another library"),
    ],
)
def test_a_timestamp_may_be(place, moment):
    with place.pipeline() as pipeline:
        assert isinstance(place.first_event(pipeline.add_signal(saying(timestamp=moment()))), e.Accepted)


@pytest.mark.parametrize(
    ("fields", "reason", "says"),
    [
        pytest.param({"strength": 0.2}, Reason.WEAK, "0.2", id="weak"),
        pytest.param({"timestamp": 1}, Reason.STALE, "", id="stale"),
        pytest.param({"strength": None}, Reason.MALFORMED, "`strength`", id="a field is missing"),
        pytest.param({"strength": object()}, Reason.MALFORMED, "$.strength", id="something that is no number"),
        pytest.param({"strength": float("nan")}, Reason.MALFORMED, "$.strength", id="not a number"),
        pytest.param({"price": Decimal("Infinity")}, Reason.MALFORMED, "JSON is malformed", id="infinity"),
        pytest.param({"leverage": 3}, Reason.MALFORMED, "`leverage`", id="an unknown field"),
        pytest.param({"timestamp": datetime(2026, 1, 1)}, Reason.MALFORMED, "a zone", id="no zone"),  # noqa: DTZ001
        pytest.param({"timestamp": "now"}, Reason.MALFORMED, "$.timestamp", id="now, from a program"),
    ],
)
def test_a_refused_signal_has_an_id_too(place, fields, reason, says):
    with place.pipeline() as pipeline:
        refused = place.first_event(pipeline.add_signal(saying(**fields)))
    assert refused.reason is reason
    assert says in str(refused.measured)


@pytest.mark.parametrize(
    "signal",
    [
        pytest.param({"symbol": "\ud800"}, id="half a character"),
        pytest.param("\ud800", id="half a character in JSON"),
    ],
)
def test_what_cannot_be_written_as_json_is_not_accepted(place, signal):
    with place.pipeline() as pipeline:
        with pytest.raises(NotAccepted, match="cannot be written as JSON"):
            pipeline.add_signal(signal)
        assert place.ids() == []


def test_a_signal_beyond_the_rate_is_turned_away_and_may_come_again(place):
    with place.pipeline(intake={"max_per_s": 0.001, "burst": 1}) as pipeline:
        first = pipeline.add_signal(saying(key="a"))
        with pytest.raises(NotAccepted, match="rate_limited"):
            pipeline.add_signal(saying(key="b"))
    assert place.ids() == [first]


def test_many_threads_at_once_lose_nothing(place):
    threads, each = 16, 250

    def add(thread):
        return [pipeline.add_signal(saying(key=f"{thread}-{n}")) for n in range(each)]

    with place.pipeline() as pipeline, ThreadPoolExecutor(threads) as pool:
        ids = [signal_id for some in pool.map(add, range(threads)) for signal_id in some]
        ledger = finding(pipeline, "ledger")
        assert pipeline.stop() == {"waiting": threads * each}
    assert len(set(ids)) == threads * each
    assert sorted(place.ids()) == sorted(ids)
    assert (ledger.verdict, ledger.says) == (Health.OK, "balanced: each of 4000 signals has one outcome")


def test_the_same_key_from_many_threads_is_one_signal(place):
    threads = 16
    together = Barrier(threads)
    signal = saying(key="one")

    def add(_):
        together.wait()
        return pipeline.add_signal(signal)

    with place.pipeline() as pipeline, ThreadPoolExecutor(threads) as pool:
        (only,) = set(pool.map(add, range(threads)))
        assert pipeline.execute_with_diagnostics().placed == (only,)
    assert place.kinds() == {"accepted": 1, "redelivered": threads - 1, "intent": 1, "placed": 1}


def test_when_it_stops_while_threads_add_each_signal_is_either_recorded_or_not_accepted(place):
    threads = 8
    some = Semaphore(0)

    def add(thread):
        taken = []
        while True:
            try:
                taken.append(pipeline.add_signal(saying(key=f"{thread}-{len(taken)}"), timeout_s=60))
            except NotAccepted as error:
                return taken, str(error)
            some.release()

    pipeline = place.pipeline()
    pipeline.start()
    with ThreadPoolExecutor(threads) as pool:
        adding = [pool.submit(add, thread) for thread in range(threads)]
        for _ in range(100):
            some.acquire(timeout=60)
        pipeline.stop()
        told = [added.result() for added in adding]
    assert sorted(place.ids()) == sorted(signal_id for taken, _ in told for signal_id in taken)
    assert all("turned away: stopping" in why or "not running" in why for _, why in told)


def test_after_the_stop_nothing_is_accepted(place):
    pipeline = place.pipeline()
    with pipeline:
        pass
    with pytest.raises(NotAccepted, match=r"not running: call start\(\) first"):
        pipeline.add_signal(saying())
    for ask in (pipeline.execute_with_diagnostics, pipeline.diagnose_execution_readiness):
        with pytest.raises(TidegateError, match="not running"):
            ask()


def test_stopping_twice_is_stopping_once(place):
    with place.pipeline() as pipeline:
        pipeline.add_signal(saying())
        assert pipeline.stop() == {"waiting": 1}
        assert pipeline.stop() == {}
    assert place.pipeline().stop() == {}


def test_starting_twice_is_an_error_and_the_first_runs_on(place):
    with place.pipeline() as pipeline:
        with pytest.raises(TidegateError, match="is running already"):
            pipeline.start()
        pipeline.add_signal(saying())
        assert pipeline.execute_with_diagnostics().placed


def test_started_again_it_goes_on_with_what_waits(place):
    pipeline = place.pipeline()
    with pipeline:
        signal_id = pipeline.add_signal(saying())
    with pipeline:
        assert pipeline.execute_with_diagnostics().placed == (signal_id,)


def test_an_error_inside_with_stops_it_and_goes_on(place):
    with pytest.raises(ZeroDivisionError), place.pipeline() as pipeline:
        1 / 0  # noqa: B018
    with pytest.raises(NotAccepted):
        pipeline.add_signal(saying())
    SqliteJournal(place.url, mode="paper").close()  # its lock is free again


def test_wrong_settings_are_named_by_the_constructor(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text('{"execution": {"intervall_s": 3}}')
    with pytest.raises(SettingsError, match=r"did you mean execution\.interval_s\?"):
        SignalOrderPipeline(file)
    with pytest.raises(SettingsError, match=r"nowhere\.json cannot be read"):
        SignalOrderPipeline(str(tmp_path / "nowhere.json"))


def test_a_strategy_that_does_not_load_is_named_by_the_start(place):
    pipeline = place.pipeline(signals={"strategies": [{"name": "ema_cros"}]})
    with pytest.raises(SettingsError, match=r"did you mean ema_cross\?"):
        pipeline.start()
    SqliteJournal(place.url, mode="paper").close()


def test_a_journal_that_another_writes_is_refused_and_may_be_had_later(place):
    other = SqliteJournal(place.url, mode="paper")
    pipeline = place.pipeline()
    with pytest.raises(JournalRefused, match="is being written by process"):
        pipeline.start()
    other.close()
    with pipeline:
        pipeline.add_signal(saying())


def test_readiness_is_told_finding_by_finding(place):
    with place.pipeline() as pipeline:
        findings = pipeline.diagnose_execution_readiness()
        pipeline.add_signal(saying(symbol="XRP/USDT", type="SELL"))
        after = pipeline.diagnose_execution_readiness()
    assert all(isinstance(found, CheckResult) for found in findings)
    assert [found.subject for found in findings if found.verdict is not Health.OK] == ["signals"]
    assert any("sell XRP/USDT" in found.says for found in after if found.verdict is not Health.OK)


def executing(pipeline, *signals):
    for signal in signals:
        pipeline.add_signal(saying(**signal))
    return pipeline.execute_with_diagnostics()


def test_an_execution_of_nothing(place):
    with place.pipeline() as pipeline:
        with pytest.raises(NoSignalsAvailable):
            pipeline.execute_with_diagnostics()
        executing(pipeline, {})
        with pytest.raises(NoSignalsAvailable):  # what was placed does not wait any more
            pipeline.execute_with_diagnostics()


def test_a_weak_signal_is_confidence_too_low(place):
    with place.pipeline() as pipeline, pytest.raises(ConfidenceTooLow) as raised:
        executing(pipeline, {"strength": 0.2})
    assert (raised.value.confidence, raised.value.threshold) == (0.2, 0.5)


def test_a_low_score_is_confidence_too_low_and_carries_the_score(place):
    with place.pipeline(validation={"min_score": 0.95}) as pipeline, pytest.raises(ConfidenceTooLow) as raised:
        executing(pipeline, {"strength": 0.6, "confidence": 0.7})
    assert raised.value.threshold == 0.95
    assert raised.value.confidence == pytest.approx((0.6 * 0.5 + 0.7 * 0.3 + 0.2) / 1.0, abs=0.02)


def test_an_old_refusal_says_nothing_of_a_later_execution(place):
    with place.pipeline() as pipeline:
        executing(pipeline, {"strength": 0.2, "key": "weak"}, {"key": "strong"})
        with pytest.raises(NoSignalsAvailable):
            pipeline.execute_with_diagnostics()


def test_position_limits_exceeded(place):
    with place.pipeline(limits={"max_open_positions": 1}) as pipeline:
        executing(pipeline, {})
        with pytest.raises(PositionLimitsExceeded) as raised:
            executing(pipeline, {"symbol": "ETH/USDT"})
    assert (raised.value.current, raised.value.max) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "limit_type"),
    [
        pytest.param({"quantity": 0.05}, "notional_limit", id="too large"),
        pytest.param({"quantity": "0.00000001"}, "below_minimum", id="too small"),
        pytest.param({"symbol": "XRP/USDT", "type": "SELL"}, "no_position", id="nothing to sell"),
        pytest.param({"symbol": "DOGE/USDT"}, "unknown_symbol", id="not followed"),
    ],
)
def test_trading_limits_exceeded(place, fields, limit_type):
    with place.pipeline() as pipeline, pytest.raises(TradingLimitsExceeded) as raised:
        executing(pipeline, fields)
    assert raised.value.limit_type == limit_type


def test_a_trader_nobody_has_is_unavailable_by_its_name(place):
    with place.pipeline() as pipeline, pytest.raises(TraderUnavailable) as raised:
        executing(pipeline, {"trader": "other"})
    assert raised.value.trader_id == "other"


def test_a_signal_whose_time_is_over_has_expired(place):
    with place.pipeline() as pipeline:
        signal_id = pipeline.add_signal(saying(ttl_s=1e-6))
        with pytest.raises(SignalExpired) as raised:
            pipeline.execute_with_diagnostics()
    assert raised.value.signal_id == signal_id


def test_what_the_venue_rejects_is_an_exchange_error_in_its_words(place):
    with place.pipeline(limits={"max_order_notional": "100000000"}) as pipeline, pytest.raises(ExchangeError) as raised:
        executing(pipeline, {"price": "9000000", "quantity": "0.001"})
    assert raised.value.exchange == "paper"
    assert "PERCENT_PRICE" in raised.value.error


def test_one_that_is_placed_is_no_error_whatever_became_of_the_others(place):
    with place.pipeline() as pipeline:
        lost = pipeline.add_signal(saying(quantity=0.05, strength=0.99))
        good = pipeline.add_signal(saying(symbol="ETH/USDT"))
        execution = pipeline.execute_with_diagnostics()
    assert execution.placed == (good,)
    assert execution.ended[lost].reason is Reason.NOTIONAL_LIMIT


def test_strategies_may_speak_too(place):
    with SignalOrderPipeline(place.settings()) as pipeline:
        assert finding(pipeline, "pipeline").verdict is Health.OK


def break_it(pipeline):
    """Let a subscriber that must not raise do so, in its own loop, and wait until that is known."""

    async def failing(inner):
        inner._engine.parts.commits.committed.subscribe(lambda _: 1 / 0, lambda _: None)

    pipeline._call(failing)
    with pytest.raises(NotAccepted):
        pipeline.add_signal(saying(), timeout_s=0.5)


def test_a_broken_pipeline_says_so_instead_of_waiting_for_ever(place):
    with place.pipeline() as pipeline:
        break_it(pipeline)
        broken = finding(pipeline, "pipeline")
        with pytest.raises(NotAccepted, match="a stream broke, nothing more is sent: ZeroDivisionError"):
            pipeline.add_signal(saying())
        with pytest.raises(TidegateError, match="a stream broke"):
            pipeline.execute_with_diagnostics()
    assert broken.verdict is Health.ERROR


def test_a_trader_that_nobody_has_cannot_be_checked(place):
    with place.pipeline() as pipeline:
        assert pipeline.check_trader("paper") is None
        with pytest.raises(TidegateError, match="there is no trader nobody: the settings have paper"):
            pipeline.check_trader("nobody")


def test_the_receipt_says_whether_the_signal_was_new(place):
    with place.pipeline() as pipeline:
        first = pipeline.submit(saying(key="a", timestamp="now"))
        again = pipeline.submit(saying(key="a", timestamp="now"))
        weak = pipeline.submit(saying(key="b", strength=0.1))
    assert (first.new, again.new, weak.new) == (True, False, True)
    assert (first.signal_id, again.redelivered, weak.reason) == (again.signal_id, True, Reason.WEAK)


def test_a_receipt_of_a_signal_that_was_shed_has_no_id_and_add_signal_raises(place):
    with place.pipeline(intake={"max_per_s": 0.001, "burst": 1}) as pipeline:
        pipeline.submit(saying(key="a"))
        shed = pipeline.submit(saying(key="b"))
        with pytest.raises(NotAccepted, match="rate_limited"):
            pipeline.add_signal(saying(key="c"))
    assert (shed.new, shed.signal_id, shed.reason) == (False, None, Reason.RATE_LIMITED)


def test_history_positions_and_report_are_those_of_the_commands(place):
    pipeline = place.pipeline()
    with pipeline:
        pipeline.execute_with_diagnostics(saying(key="a", order_type="market"))
        history, positions = pipeline.history("a"), pipeline.positions()
    report = pipeline.report()  # also after the stop
    assert [step.kind for step in history.steps] == ["accepted", "intent", "placed"]
    assert [position.symbol for position in positions] == ["BTC/USDT"]
    assert (report["received"], report["placed"], report["balanced"]) == (1, 1, True)


def test_one_signal_is_executed_with_attempts_and_latency(place):
    with place.pipeline() as pipeline:
        other = pipeline.add_signal(saying(key="other", symbol="ETH/USDT"))
        execution = pipeline.execute_with_diagnostics(saying(key="a"))
    (signal_id,) = execution.placed
    assert signal_id != other
    assert execution.attempts == {signal_id: 1}
    assert 0 < execution.latency_ms[signal_id] < 10_000


def test_subscribers_are_called_in_every_run_until_they_unsubscribe(place):
    pipeline, before, after = place.pipeline(), [], []
    pipeline.subscribe("verdicts", lambda verdict: before.append(verdict.signal.key))
    with pipeline:
        stop = pipeline.subscribe("verdicts", lambda verdict: after.append(verdict.signal.key))
        pipeline.submit(saying(key="a"))
        stop()
        pipeline.submit(saying(key="b"))
    with pipeline:
        pipeline.submit(saying(key="c"))
    assert (before, after) == (["a", "b", "c"], ["a"])
    with pytest.raises(TidegateError, match="there is no stream ticks: there are events"):
        pipeline.subscribe("ticks", print)


def test_a_callback_that_raises_or_waits_for_its_own_pipeline_is_dropped_and_recorded(place):
    with place.pipeline() as pipeline:
        pipeline.subscribe("events", lambda _: 1 / 0)
        pipeline.subscribe("events", lambda _: pipeline.add_signal(saying(key="from within")))
        pipeline.subscribe("events", lambda _: pipeline.halt())
        assert pipeline.execute_with_diagnostics(saying(key="a")).placed
    faults = pipeline.report()["faults"].values()
    assert [fault["count"] for fault in faults] == [1, 1, 1]
    assert sum("do that in another thread" in fault["last"] for fault in faults) == 2


def test_a_failing_trader_is_reported_and_an_unknown_one_is_an_error(place):
    with place.pipeline() as pipeline:
        pipeline.report_trader_failure("paper", "its desk is closed", retry_after_s=60)
        suspended = pipeline.check_trader("paper")
        assert pipeline.get_available_traders() == []
        with pytest.raises(TidegateError, match="there is no trader nobody: the settings have paper"):
            pipeline.report_trader_failure("nobody", "?")
    assert suspended.why.measured == "its desk is closed"


def test_it_is_halted_and_resumed_from_any_thread(place):
    with place.pipeline() as pipeline:
        pipeline.halt("enough")
        pipeline.add_signal(saying(key="a"))
        with pytest.raises(TradingLimitsExceeded):
            pipeline.execute_with_diagnostics()
        pipeline.reduce_only()
        pipeline.resume()
        assert pipeline.execute_with_diagnostics().placed


def test_it_logs_as_run_does(place):
    log = place.folder / "logs" / "log.jsonl"
    with place.pipeline(logging={"json_file": str(log)}) as pipeline:
        pipeline.add_signal(saying(key="a", source="desk"))
        pipeline.execute_with_diagnostics()
    (placed,) = [json.loads(line)["record"]["message"] for line in log.read_text().splitlines()]
    assert placed.startswith("placed ")
    assert " buy BTC/USDT from desk: " in placed


def test_its_log_is_turned_off_in_dotenv_too(place, monkeypatch):
    monkeypatch.chdir(place.folder)
    (place.folder / ".env").write_text("TIDEGATE_LOG=off\n")
    log = place.folder / "log.jsonl"
    with place.pipeline(logging={"json_file": str(log)}) as pipeline:
        pipeline.add_signal(saying(key="a"))
    assert not log.exists()


def test_a_log_that_cannot_be_written_is_named_before_anything_is_opened(place):
    with pytest.raises(SettingsError, match=r"logging\.json_file: .* cannot be written"):
        place.pipeline(logging={"json_file": str(place.folder)}).start()
    assert not (place.folder / "journal.db").exists()
