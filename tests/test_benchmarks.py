"""The benchmarks run and give what their readers look for. How fast anything is, is not tested."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from benchmarks import formatting
from benchmarks.__main__ import BENCHES, main, measured
from benchmarks.alternate import alternate, median_of_ratios
from benchmarks.journal_of_a_million import written
from benchmarks.load import Bursts, Schedule
from benchmarks.scale import QUICK
from benchmarks.targets import TARGETS, markdown
from streams.state import State
from tidegate.journal.sqlite_journal import SqliteReader

TINY = replace(
    QUICK,
    rounds=1,
    group_signals=((1, 4), (10, 40)),
    flat_out_signals=50,
    offered=((1_000, 0.05),),
    symbols=(2, 6),
    symbol_signals=20,
    overload_s=0.05,
    burst_signals=50,
    silence_s=0.05,
    tail_s=0.1,
    waiting=(3, 30),
    strategies=((1, 1), (2, 2)),
)


@pytest.fixture(scope="module")
def figures():
    return list(measured(["throughput", "latency"], TINY, lambda _: None))


@pytest.fixture
def latest(tmp_path, figures):
    path = tmp_path / "latest.json"
    for name, told, load_before in figures:
        formatting.write(path, {name: formatting.stamped(told, quick=True, load_before=load_before)})
    return path


@pytest.mark.slow
def test_figures_are_kept_by_benchmark_and_what_compares_is_a_ratio(latest):
    kept = json.loads(latest.read_text())
    assert kept.keys() == {"throughput", "latency"}
    assert kept["throughput"].keys() == {
        *("measured_at", "quick", "cpus", "load_before", "machine", "python", "sqlite", "figures")
    }
    assert len(kept["throughput"]["load_before"]) == 3
    throughput = kept["throughput"]["figures"]
    assert throughput["groups"].keys() == {"1", "10"}
    told = {path: figure for name in kept for path, figure in formatting.flattened(kept[name]["figures"], f"{name}.")}
    compared = {path for path in told if "_to_" in path.rpartition(".")[2]}
    assert compared
    assert {path for path in told if path.endswith("_ratio")} == compared
    assert all(told[path] > 0 for path in compared)
    assert throughput["flat_out"]["pipeline_per_s"] > 0
    assert told["latency.1000.turned_away"] == 0
    for what in ("acknowledgement", "order"):
        for name in ("pipeline", "bare_loop", "plain_rx"):
            shares = [told[f"latency.1000.to_{what}.{name}_ms.{share}"] for share in ("p50", "p99", "p99_9")]
            assert shares == sorted(shares)


@pytest.mark.slow
def test_the_bare_loop_makes_the_commits_of_the_pipeline(latest):
    ten = json.loads(latest.read_text())["throughput"]["figures"]["groups"]["10"]
    assert ten["bare_loop_signals_per_commit"] == pytest.approx(
        40 / 6, rel=0.01
    )  # four groups, two commits more to end
    assert ten["pipeline_signals_per_commit"] <= ten["bare_loop_signals_per_commit"]


@pytest.fixture(scope="module")
def loads():
    names = ["overload", "bursts", "tail", "waiting", "journal_bytes", "strategies"]
    return {name: dict(formatting.flattened(told)) for name, told, _ in measured(names, TINY, lambda _: None)}


@pytest.mark.slow
def test_of_an_overload_every_signal_is_admitted_or_turned_away(loads):
    told = loads["overload"]
    assert told["unfinished"] == 0
    assert 0 < told["admitted_share"] <= 1
    assert 0 < told["generator_share"] < 1
    assert told["slowest_to_max_delay_ratio"] == pytest.approx(told["to_acknowledgement_ms.max"] / 1000, rel=0.01)


@pytest.mark.slow
def test_of_bursts_nothing_is_lost(loads):
    assert (loads["bursts"]["turned_away"], loads["bursts"]["unfinished"]) == (0, 0)


@pytest.mark.slow
def test_checkpoints_of_a_long_run_are_seen(loads):
    told = loads["tail"]
    assert told["checkpoints"] == len(told["first_checkpoints_s_and_slowest_ms"])
    assert told["unfinished"] == 0


@pytest.mark.slow
def test_volumes_are_measured(loads):
    assert loads["journal_bytes"]["per_placed_signal"] > 100
    assert {path for path in loads["waiting"] if path.endswith("_ratio")} == {
        "3.pipeline_cpu_to_3_waiting_ratio",
        "30.pipeline_cpu_to_3_waiting_ratio",
    }
    assert loads["strategies"]["2x2.signals"] > 0


@pytest.mark.slow
def test_a_second_run_keeps_what_it_does_not_measure(latest):
    before = json.loads(latest.read_text())
    formatting.write(latest, {"throughput": {"figures": {}}})
    after = json.loads(latest.read_text())
    assert after["latency"] == before["latency"]
    assert after["throughput"] == {"figures": {}}


@pytest.mark.slow
def test_the_table_has_a_line_for_every_target(latest):
    told = CliRunner().invoke(main, ["--table", "--to", str(latest)]).output.splitlines()
    assert len(told) == 2 + len(TARGETS)
    (flat_out,) = (line for line in told if "flat out" in line)
    assert str(formatting.read(latest)["throughput"]["figures"]["flat_out"]["pipeline_to_bare_loop_ratio"]) in flat_out


def test_every_target_is_of_a_benchmark():
    assert {target.path.partition(".")[0] for target in TARGETS} <= BENCHES.keys()
    assert all(line.startswith("|") for line in markdown({}))


def test_a_journal_with_a_long_past_has_the_image_of_all_its_events(tmp_path):
    reader = SqliteReader(f"sqlite:///{written(tmp_path, closed=80, waiting=5)}")
    folded = State()
    folded.fold(reader.read())
    assert State.of(reader).image() == folded.image()
    assert [image.position for image in reader.snapshots().values()] == [reader.head()]
    assert folded.ledger.received == 85
    assert len(list(reader.open())) == 5
    assert not any(holding.amount for holding in folded.book.account("paper").holdings.values())
    reader.close()


@pytest.mark.parametrize(
    ("since_ns", "arrived"),
    [
        pytest.param(0, 1, id="the first comes at once"),
        pytest.param(9_999_999, 1, id="the next one is not early"),
        pytest.param(10_000_000, 2, id="nor late"),
        pytest.param(10**12, 50, id="in the end all have come"),
    ],
)
def test_signals_arrive_by_schedule(since_ns, arrived):
    schedule = Schedule(per_s=100, for_s=0.5)
    assert schedule.arrived(since_ns) == arrived
    assert schedule.at_ns(schedule.arrived(since_ns) - 1) <= since_ns


@pytest.mark.parametrize(
    ("since_ns", "arrived"),
    [
        pytest.param(0, 4, id="the first burst comes at once"),
        pytest.param(1_999_999_999, 4, id="then silence"),
        pytest.param(2_000_000_000, 8, id="and the next one"),
        pytest.param(10**12, 12, id="in the end all have come"),
    ],
)
def test_bursts_arrive_by_schedule(since_ns, arrived):
    bursts = Bursts(size=4, times=3, every_s=2)
    assert bursts.arrived(since_ns) == arrived
    assert bursts.at_ns(bursts.arrived(since_ns) - 1) <= since_ns


def test_those_compared_take_turns_and_the_median_is_that_of_the_rounds():
    turns = []

    def turn(name, results):
        left = iter(results)
        return lambda: turns.append(name) or next(left)

    timed_runs = alternate(3, {"a": turn("a", [1, 20, 3]), "b": turn("b", [2, 10, 12])})
    assert turns == ["a", "b"] * 3
    assert median_of_ratios(timed_runs["a"], timed_runs["b"]) == 0.5


def test_percentiles_and_growth():
    assert formatting.percentiles_ms([n * 1_000_000 for n in range(1, 1001)]) == {"p50": 500, "p99": 990, "p99_9": 999}
    assert formatting.slope([(0, 5), (1, 7), (2, 9), (3, 11), (4, 99)]) == 2
    assert formatting.slope([(0, 5)]) == 0
