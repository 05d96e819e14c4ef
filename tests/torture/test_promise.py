"""The promise is kept at every point of hostile worlds, and what is counted is what happened."""

import json
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from tidegate.settings import load_settings
from tidegate.torture.campaign import plans_of, torture
from tidegate.torture.checker import check, judge
from tidegate.torture.faulty import Act, Planned, Points, Script, VenueFault, VenueFaultKind, draw
from tidegate.torture.plan import CrashPlan
from tidegate.torture.run import run
from tidegate.torture.story import story_of
from tidegate.torture.surroundings import START_NS
from tidegate.torture.tortured_setup import TorturedSetup

ROOT = Path(__file__).parents[2]


def called(*options: str, code: int = 0):
    done = subprocess.run([sys.executable, "run.py", "torture", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def recorded(*options: str) -> dict:
    return json.loads(called("--json", *options).stdout)


@pytest.mark.slow  # some five thousand runs
def test_the_promise_is_kept_at_every_point():
    record = recorded("--seeds", "24")
    assert record["failures"] == []
    assert (record["lost"], record["duplicated"]) == (0, 0)
    assert record["crash_points"] > 2000
    assert record["crash_points"] == record["runs"] - 2 * 24  # the last run of each act passed untouched
    assert record["runs_per_s"] > 0
    assert len(record["faults"]) > 25
    assert record["outcomes"].keys() >= {"placed", "failed", "refused", "expired", "parked"}
    assert record["outcomes"]["placed"] > record["runs"] / 2


@pytest.mark.slow
def test_the_promise_is_kept_at_every_pair_of_points():
    record = recorded("--crashes", "pairs", "--seed", "2", "--seeds", "1")
    assert (record["failures"], record["lost"], record["duplicated"]) == ([], 0, 0)
    assert record["runs"] > 500
    assert record["crash_points"] > 1.8 * record["runs"]


def test_where_a_venue_may_be_later_than_the_settle_window_orders_are_parked(setup):
    tally = torture(setup, 5, crashes="every")
    assert tally.failures == []
    assert tally.parked > 0
    assert tally.caught == 0


@pytest.mark.slow
def test_where_a_venue_is_later_than_it_says_a_second_order_is_caught(setup):
    tally = torture(setup, 11, crashes="every")
    assert tally.failures == []
    assert tally.caught > 0


@pytest.mark.parametrize("act", list(Act))
def test_each_thing_that_is_done_reaches_every_point_and_a_last_run_none(setup, drawn, act):
    acted = []
    for plan, past in plans_of(setup, drawn(3), act, crashes="every"):
        assert check(past) == []
        acted.append(past.acted)
        last = plan, past
    plan, past = last
    assert acted == [1] * len(past.reached) + [0]
    assert plan.acts == ((len(past.reached) + 1, act),)
    assert len(past.reached) > 10


def test_points_are_found_at_everything_that_leaves_or_enters(setup, drawn):
    reached = set()
    for seed in range(8):
        points = Points()
        run(setup, drawn(seed), points)
        reached |= set(points.reached)
    assert reached >= {
        *(
            "send",
            "accepted",
            "reply",
            "no reply",
            "lookup",
            "answer to lookup",
            "listing of orders",
            "receipt",
            "alert",
        ),
        *("commit of accepted", "commit of intent", "commit of placed", "commit of unknown", "committed"),
    }


def test_the_same_seed_and_point_give_the_same_history(setup, drawn):
    first, second = (run(setup, drawn(6), CrashPlan.parse("20").points()) for _ in range(2))
    assert story_of(first, start_ns=START_NS) == story_of(second, start_ns=START_NS)
    assert first.reached == second.reached
    other = run(setup, drawn(7), CrashPlan.parse("20").points())
    assert story_of(other, start_ns=START_NS) != story_of(first, start_ns=START_NS)


def test_a_pair_is_killed_twice_the_second_time_after_the_first(setup, drawn):
    pairs = [(plan, past) for plan, past in islice(plans_of(setup, drawn(3), Act.KILL, crashes="pairs"), 20) if past]
    assert [str(plan) for plan, _ in pairs[:3]] == ["1", "1+2", "1+3"]
    assert [past.acted for _, past in pairs[:3]] == [1, 2, 2]


def test_one_run_can_be_replayed_and_is_told():
    told = called("--seed", "6", "--point", "20").stdout
    assert "the promise is kept" in told
    assert re.search(r"\b20: ", told)
    assert "journal" in told
    assert "venue    taken" in told


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--point", "7"], "--point needs the --seed of the run"),
        (["--seed", "1", "--point", "x"], "a point is written as 17, 17+23 or cancel:9, was 'x'"),
        (["--seed", "1", "--point", "hit:4"], "what is done must be one of kill, fail"),
        (["--seed", "1", "--point", "9000"], "points, 9000 is not reached"),
        (["--seeds", "0"], "0 is not in the range"),
    ],
)
def test_what_is_wrongly_asked_for_is_said(options, says):
    assert says in called(*options, code=2).stderr.replace("\n", " ")


def test_strategies_of_the_settings_can_trade_as_well():
    record = recorded("--seed", "3", "--strategies", "--for", "2", "--workers", "1")
    assert record["failures"] == []
    assert record["runs"] > 0


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("17", ((17, Act.KILL),)),
        ("23+17", ((17, Act.KILL), (23, Act.KILL))),
        ("cancel:9", ((9, Act.CANCEL),)),
        ("fail:3+4", ((3, Act.FAIL), (4, Act.KILL))),
    ],
)
def test_a_plan_is_read_and_written(text, acts):
    plan = CrashPlan.parse(text)
    assert plan.acts == acts
    assert CrashPlan.parse(str(plan)) == plan


def test_settings_that_know_their_senders_are_sent_to_by_one_of_them(tmp_path):
    settings = load_settings(environ={}, overrides={"validation.sources": '["mine"]', "dedup.window_s": "3600"})
    setup = TorturedSetup(settings, tmp_path)
    script = draw(6, symbols=setup.symbols, traders=setup.traders)
    past = run(setup, script, Points())
    assert check(past) == []
    assert past.ledger.taken


def test_keys_are_looked_for_in_every_record(tmp_path, monkeypatch):
    monkeypatch.setenv("TIDEGATE_TRADER_PAPER_SECRET", "a-secret")
    assert "a-secret" in TorturedSetup(load_settings(), tmp_path).secrets


def test_an_account_that_has_to_park_parks(tmp_path):
    settings = load_settings(environ={}, overrides={"traders": '[{"id": "x", "after_unknown": "park"}]'})
    setup = TorturedSetup(settings, tmp_path)
    venue_faults = [VenueFault(kind=VenueFaultKind.REQUEST_LOST, nth=1, trader="x")]
    signals = [Planned("s1", 1, "BTC/USDT", "buy")]
    past = run(setup, Script(signals=signals, venue_faults=venue_faults), Points())
    assert check(past) == []
    assert judge(past).outcomes == {"parked": 1}
