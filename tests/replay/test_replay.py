import asyncio
import json
import sys
import types
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import reactivex
from click.testing import CliRunner
from reactivex import compose
from reactivex import operators as ops

from operators import identify, refuse_repeats, refuse_weak
from tidegate import Replay, open_journal
from tidegate.cli import main
from tidegate.domain.errors import SettingsError
from tidegate.domain.market import Candle
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side
from tidegate.marbles import NotificationKind
from tidegate.market.recordings import read_candles, write_candles
from tidegate.market.simulated import SimulatedMarket
from tidegate.strategies import Idea

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
JUNE_1_NS = int(datetime(2024, 6, 1, tzinfo=UTC).timestamp()) * 10**9
JUNE_2_NS = JUNE_1_NS + DAY_NS
SHARED_CANDLES = Path(__file__).parents[2].parent / "shared" / "data" / "candles" / "ETH-BTC-5m.csv"


def three_days(symbol="ETH/USDT"):
    return SimulatedMarket(seed=7).history(symbol, 5 * MINUTE_NS, 3 * 288, JUNE_1_NS + 3 * DAY_NS)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("candles") / "ETH-USDT-5m.csv"
    write_candles(path, three_days())
    return path


@pytest.fixture
def own_strategy():
    """Offers a function that makes strategies as `own:make`."""
    module = types.ModuleType("own")
    sys.modules["own"] = module
    yield lambda make: setattr(module, "make", make)
    del sys.modules["own"]


def judged(day, **changes):
    limits = {"min_strength": 0.6, "window_s": 3600} | changes
    return day.signals.pipe(
        identify(day.clock),
        refuse_weak(min_strength=limits["min_strength"]),
        refuse_repeats(window_s=limits["window_s"]),
    )


def said(raws):
    return [json.loads(raw.payload) for raw in raws]


def test_candles_that_were_written_are_read_again(path):
    assert list(read_candles(path).candles) == three_days()


def test_a_day_has_the_candles_that_close_in_it(path):
    day = Replay(path, day="2024-06-02")
    seen = day.run(day.candles)
    assert [at_ns for at_ns, kind, _ in seen if kind is NotificationKind.NEXT] == [
        JUNE_2_NS + number * 5 * MINUTE_NS for number in range(1, 289)
    ]
    assert all(entry.value.closed_at_ns == entry.at_ns for entry in seen[:-1])
    assert seen.start_ns == JUNE_2_NS
    assert seen[-1] == (JUNE_2_NS + DAY_NS, NotificationKind.COMPLETED, None)


def test_without_a_day_everything_is_replayed(path):
    everything = Replay(path)
    assert everything.run(everything.candles).values == three_days()
    assert everything.run(everything.candles).start_ns == JUNE_1_NS


def test_several_files_are_one_market(path, tmp_path):
    other = tmp_path / "BTC-USDT-5m.csv"
    write_candles(other, three_days("BTC/USDT"))
    day = Replay(str(path), other, day="2024-06-02")
    assert Counter(candle.symbol for candle in day.run(day.candles).values) == {"ETH/USDT": 288, "BTC/USDT": 288}
    assert {signal["symbol"] for signal in said(day.run(day.signals).values)} == {"ETH/USDT", "BTC/USDT"}


def test_symbol_and_timeframe_may_be_given(path, tmp_path):
    unnamed = tmp_path / "recording.csv"
    unnamed.write_bytes(path.read_bytes())
    day = Replay(unnamed, symbol="SOL/EUR", timeframe="5m", day="2024-06-01")
    assert {signal["symbol"] for signal in said(day.run(day.signals).values)} == {"SOL/EUR"}


def test_strategies_speak_at_the_close_of_a_candle_of_the_day(path):
    day = Replay(path, day="2024-06-02")
    seen = day.run(day.signals)
    assert Counter(signal["source"] for signal in said(seen.values)).keys() == {
        "strategy:breakout",
        "strategy:ema_cross",
        "strategy:rsi_reversion",
    }
    assert all(raw.generated for raw in seen.values)
    assert all((entry.at_ns - JUNE_2_NS) % (5 * MINUTE_NS) == 0 for entry in seen)


def test_the_candles_before_the_day_warm_the_strategies_up(path, own_strategy):
    shown = []
    own_strategy(lambda: shown.append)
    day = Replay(path, day="2024-06-02", strategies={"own:make": {}})
    day.run(day.signals)
    assert shown == three_days()[: 2 * 288]


def test_only_the_named_strategies_are_asked_with_their_parameters(path, own_strategy):
    own_strategy(lambda strength: lambda candle: Idea(Side.BUY, strength))
    day = Replay(path, day="2024-06-01", strategies={"own:make": {"strength": 0.25}}, min_candles=280)
    ideas = said(day.run(day.signals).values)
    assert {(idea["source"], idea["strength"]) for idea in ideas} == {("strategy:own:make", 0.25)}
    assert len(ideas) == 288 - 279


def test_strategies_are_asked_on_ticks(path):
    day = Replay(path, day="2024-06-02", generation_interval_s=420)
    assert all((entry.at_ns - JUNE_2_NS) % (420 * 10**9) == 0 for entry in day.run(day.signals))


def test_the_documented_example(path):
    day = Replay(path, day="2024-06-02")
    rules = compose(identify(day.clock), refuse_weak(min_strength=0.6), refuse_repeats(window_s=900))
    seen = day.run(day.signals.pipe(rules))
    assert seen.refused.by_reason[Reason.WEAK] == len(seen.refused.values) > 0
    assert len(seen.frame()) == len(seen.values) > len(seen.accepted.values) > 0
    assert seen._repr_svg_().startswith("<svg")


def test_every_run_begins_at_the_start_of_the_day_and_gives_the_same(path):
    day = Replay(path, day="2024-06-02")
    verdicts = judged(day)
    first = day.run(verdicts)
    assert day.clock.now_ns() == JUNE_2_NS + DAY_NS
    again = day.run(verdicts)
    assert len(first) > 10
    assert again == first
    assert again.start_ns == first.start_ns == JUNE_2_NS
    assert day.run(judged(day, min_strength=0.0)).by_reason != first.by_reason
    assert day.run(verdicts) == first


def test_two_days_do_not_know_of_each_other(path):
    one, other = Replay(path, day="2024-06-01"), Replay(path, day="2024-06-02")
    expected = other.run(judged(other))
    other.run(judged(one), for_s=1)
    one.run(judged(one))
    assert other.run(judged(other)) == expected


def test_a_run_works_inside_a_running_loop(path):
    day = Replay(path, day="2024-06-02")
    expected = day.run(judged(day))

    async def in_a_notebook():
        seen = day.run(judged(day))
        return seen, asyncio.current_task() is not None

    assert asyncio.run(in_a_notebook()) == (expected, True)


def test_operators_that_wait_take_the_days_clock(path):
    day = Replay(path, day="2024-06-02")
    late = day.run(judged(day).pipe(ops.delay(90.0, scheduler=day.clock)))
    assert [at_ns - 90 * 10**9 for at_ns, *_ in late] == [at_ns for at_ns, *_ in day.run(judged(day))]


def test_a_run_ends_with_its_observable(path):
    day = Replay(path, day="2024-06-02")
    seen = day.run(day.candles.pipe(ops.merge(day.clock.grid(1, first_after_s=1)), ops.take(700)))
    assert seen[-1] == (JUNE_2_NS + 698 * 10**9, NotificationKind.COMPLETED, None)
    assert day.clock.now_ns() == JUNE_2_NS + 698 * 10**9


def test_a_run_ends_when_nothing_is_scheduled(path):
    day = Replay(path, day="2024-06-02")
    assert list(day.run(reactivex.never())) == []
    assert day.run(reactivex.of(1)).values == [1]


def test_a_run_may_last_a_while_only(path):
    day = Replay(path, day="2024-06-02")
    assert len(day.run(day.clock.grid(60, first_after_s=0), for_s=600)) == 11
    assert len(day.run(day.candles, for_s=600)) == 2


def test_what_a_run_left_unfinished_never_happens(path):
    day, called = Replay(path, day="2024-06-02"), []
    day.clock.call_after(3600, called.append, "before any run")
    day.run(day.clock.grid(60, first_after_s=0).pipe(ops.do_action(called.append)), for_s=0)
    day.run(judged(day))
    assert called == [JUNE_2_NS]


def test_an_error_in_the_pipe_is_recorded(path):
    day = Replay(path, day="2024-06-02")
    seen = day.run(day.candles.pipe(ops.map(lambda candle: 1 / 0)))
    assert seen[-1].kind is NotificationKind.ERROR
    assert isinstance(seen[-1].value, ZeroDivisionError)


@pytest.mark.parametrize(
    "fails_at_ns",
    [
        pytest.param(JUNE_1_NS + HOUR_NS, id="while it warms up"),
        pytest.param(JUNE_2_NS + HOUR_NS, id="on the day"),
    ],
)
def test_a_strategy_that_raises_is_not_overlooked(path, own_strategy, fails_at_ns):
    def think(candle: Candle):
        if candle.closed_at_ns == fails_at_ns:
            raise ZeroDivisionError("no average of nothing")

    own_strategy(lambda: think)
    day = Replay(path, day="2024-06-02", strategies={"own:make": {}})
    with pytest.raises(ZeroDivisionError, match="no average of nothing") as raised:
        day.run(day.signals)
    assert raised.value.__notes__ == ["strategy own:make on ETH/USDT"]


def test_recorded_signals_come_at_their_timestamps(path, tmp_path):
    def line(key, at_ns):
        said = {"symbol": "ETH/USDT", "side": "buy", "strength": 0.9, "timestamp": at_ns // 10**6, "key": key}
        return json.dumps(said).encode()

    lines = [
        line("the day before", JUNE_2_NS - 10**6),
        line("late", JUNE_2_NS + HOUR_NS),
        line("early", JUNE_2_NS),
        b"",
        b"not a signal",
        line("the day after", JUNE_2_NS + DAY_NS),
    ]
    file = tmp_path / "signals.jsonl"
    file.write_bytes(b"\r\n".join(lines))
    day = Replay(path, day="2024-06-02", signals=file, strategies={})
    seen = day.run(day.signals.pipe(identify(day.clock)))
    assert [(at_ns, verdict.signal.key) for at_ns, _, verdict in seen[:-1]] == [
        (JUNE_2_NS, "early"),
        (JUNE_2_NS, None),
        (JUNE_2_NS + HOUR_NS, "late"),
    ]
    assert seen.by_reason == {Reason.MALFORMED: 1}
    assert day.run(day.signals.pipe(identify(day.clock))) == seen


def test_recorded_signals_come_besides_those_of_strategies(path, tmp_path):
    file = tmp_path / "signals.jsonl"
    file.write_bytes(b"not a signal\n")
    alone, both = Replay(path, day="2024-06-02"), Replay(path, day="2024-06-02", signals=file)
    assert len(both.run(both.signals)) == len(alone.run(alone.signals)) + 1


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(
            {"day": "2024-06-05"},
            "nothing was recorded on 2024-06-05; there is 2024-06-01 to 2024-06-03",
            id="no such day",
        ),
        pytest.param({"day": "June"}, "day must be a date such as 2018-01-11, was 'June'", id="not a day"),
        pytest.param({"strategies": {"breakut": {}}}, "did you mean breakout?", id="no such strategy"),
        pytest.param({"signals": "gone.jsonl"}, "gone.jsonl cannot be read: No such file", id="no such signals"),
    ],
)
def test_what_cannot_be_replayed_is_said(path, asked, message):
    with pytest.raises(SettingsError) as raised:
        Replay(path, **asked)
    assert message in str(raised.value)


def test_days_with_gaps_between_are_named(path, tmp_path):
    file = tmp_path / "ETH-USDT-5m.csv"
    write_candles(file, three_days()[:288] + three_days()[-1:])
    with pytest.raises(SettingsError, match=r"there is 2024-06-01, 2024-06-03$"):
        Replay(file, day="2024-06-02")


@pytest.mark.parametrize("interval_s", [0, -1, float("nan")])
def test_the_interval_must_be_above_zero(path, interval_s):
    with pytest.raises(ValueError, match="generation_interval_s must be above 0, was"):
        Replay(path, generation_interval_s=interval_s)


@pytest.mark.skipif(not SHARED_CANDLES.exists(), reason=f"needs recorded candles of an exchange: {SHARED_CANDLES}")
def test_a_day_of_an_exchange_is_replayed():
    day = Replay(SHARED_CANDLES, day="2018-01-11")
    rules = compose(identify(day.clock), refuse_weak(min_strength=0.6), refuse_repeats(window_s=900))
    seen = day.run(day.signals.pipe(rules))
    assert seen.refused.by_reason == {Reason.WEAK: 18}
    assert len(seen.accepted.values) == 15
    assert len(seen.frame()) == 33
    assert day.run(day.signals.pipe(rules)) == seen


@pytest.fixture
def journal(path, tmp_path):
    """The journal of a replay of three days, by the command."""
    where = tmp_path / "past.db"
    answer = CliRunner().invoke(main, ["replay", "--candles", str(path), "--journal", str(where)])
    assert answer.exit_code == 0, answer.output
    return where


def received(journal):
    with closing(open_journal(f"sqlite:///{journal}")) as reader:
        return [(history.events[0].at_ns, history.signal_id) for history in reader.histories()]


def test_a_journal_gives_its_signals_at_the_moments_of_their_receipt(journal):
    past = Replay(journal=journal)
    seen = past.run(past.signals.pipe(identify(past.clock)))
    assert [(entry.at_ns, entry.value.signal.id) for entry in seen[:-1]] == received(journal)
    assert len(received(journal)) > 100
    assert seen[-1].kind is NotificationKind.COMPLETED


def test_of_a_journal_too_a_day_can_be_asked_for(journal):
    past = Replay(journal=f"sqlite:///{journal}", day="2024-06-02")
    seen = past.run(past.signals.pipe(identify(past.clock)))
    expected = [(at_ns, name) for at_ns, name in received(journal) if JUNE_2_NS <= at_ns < JUNE_2_NS + DAY_NS]
    assert [(entry.at_ns, entry.value.signal.id) for entry in seen[:-1]] == expected != []


def test_other_rules_judge_what_really_came(journal, path):
    past = Replay(path, journal=journal, day="2024-06-02")
    strict = past.run(past.signals.pipe(identify(past.clock), refuse_weak(min_strength=1)))
    assert strict.by_reason == {Reason.WEAK: len(strict.values)}
    assert len(strict.values) > 10


def test_nothing_recorded_is_said_to_be_nothing():
    with pytest.raises(SettingsError, match="needs something recorded"):
        Replay()
