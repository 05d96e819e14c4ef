"""Rules of the user's own in the whole pipeline: recorded, readable after a power cut, and shown by every command."""

import asyncio
import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from reactivex import compose
from reactivex import operators as ops

from operators import guarded_rules, screen, weigh
from operators.notebook import only_accepted
from tidegate.assembly import assemble
from tidegate.cli import main
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain import events as e
from tidegate.domain.errors import SettingsError
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal
from tidegate.journal.sqlite_journal import SqliteJournal, SqliteReader
from tidegate.settings import Settings

START_NS = 1_515_628_800_000_000_000
URL = "sqlite:///data/journal.db"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of its own, in which the commands are given, and from which modules are imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def line(key, **fields):
    said = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": key, **fields}
    return json.dumps(said).encode()


class Trial:
    """One pipeline over a journal on disk, killed at the end: what it recorded is what the commands then find."""

    def __init__(self, settings=None, rules=None, ttl_s=None):
        self.loop = VirtualLoop()
        clock = Clock.simulated(self.loop, START_NS)
        self.journal = SqliteJournal(URL, mode="paper")
        settings = Settings.model_validate(settings or {})
        self.engine = self.wait(assemble(settings, self.journal, clock, frozenset(["BTC/USDT"])))
        if rules is not None:
            entry = guarded_rules(rules, self.engine.rules.entry)
            self.engine.rules = replace(self.engine.rules, entry=entry)
        self.wait(self.engine.start([]))

    def wait(self, work):
        return self.loop.run_until_complete(work)

    def send(self, *keys, **fields):
        return [self.wait(self.engine.submit(line(key, **fields), may_say_now=True)) for key in keys]

    def kill(self):
        assert self.loop.unhandled == []
        assert not self.engine.failed.done()
        self.journal.close()
        self.loop.close()
        reader = SqliteReader(URL)
        try:
            return {history.events[0].signal_id: history for history in reader.histories()}
        finally:
            reader.close()


def tried(*keys, **options):
    """The first event of each signal, as a program that opens the journal after a kill reads it."""
    trial = Trial(**options)
    receipts = trial.send(*keys)
    histories = trial.kill()
    return [histories[receipt.signal_id].events[0].body for receipt in receipts]


def ask(*words):
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def refuse_unsure(signal, at_ns):
    return Refusal(Reason.RULE, rule="mine:unsure", measured=0.4, limit=0.6) if signal.key == "u" else None


def with_(*stages):
    return lambda default: compose(default, *stages)


def test_a_rule_with_a_reason_of_its_own_is_recorded_and_every_command_shows_its_name():
    refused, accepted = tried("u", "a", rules=with_(screen(refuse_unsure)))
    assert (refused.reason, refused.rule, refused.measured, refused.limit) == (Reason.RULE, "mine:unsure", 0.4, 0.6)
    assert type(accepted) is e.Accepted
    why = ask("why", "u")
    assert "refused (rule mine:unsure)" in why
    assert "rule mine:unsure: 0.4, limit 0.6." in why
    (told,) = json.loads(ask("why", "u", "--json"))
    assert (told["reason"], told["rule"], told["events"][0]["body"]["rule"]) == ("rule", "mine:unsure", "mine:unsure")
    assert "rule: mine:unsure" in ask("signals")
    (listed,) = json.loads(ask("signals", "--reason", "rule", "--json"))
    assert listed["rule"] == "mine:unsure"
    told = json.loads(ask("report", "--json"))
    assert (told["reasons"], told["rules"]) == ({"rule": 1}, {"rule: mine:unsure": 1})
    assert "rule: mine:unsure" in ask("report")
    exported = [json.loads(text) for text in ask("export").splitlines()]
    assert [(signal["reason"], signal["rule"]) for signal in exported] == [("rule", "mine:unsure"), (
        "awaiting_tick", None,
    )]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(ask("export", "--format", "csv"))))
    assert [row["rule"] for row in rows] == ["mine:unsure", ""]


class Odd(Exception):
    def __str__(self):
        return "\udcfc"


def raises(signal, at_ns):
    raise Odd


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Refusal("mine:unsure"), "the reason must be one of Reason, such as Reason.RULE, was 'mine:unsure'"),
        (Refusal(Reason.RULE, measured=float("nan")), "measured must be finite, was nan"),
        (Refusal(Reason.RULE, measured="\udcfc"), r"measured cannot be encoded: '\udcfc'"),
        (Refusal(Reason.RULE, measured=object), "measured must be a number, a text or None, was <class 'object'>"),
        (Refusal(Reason.RULE, rule="\ud800"), "the rule's name must be 1 to 100 printable characters, was "),
        (False, "must return a Refusal or None, returned False"),
    ],
    ids=lambda value: None,
)
def test_what_cannot_be_recorded_refuses_its_signal_and_the_journal_stays_readable(answer, says):
    def unsure(signal, at_ns):
        return answer if signal.key == "u" else None

    before, refused, after = tried("a", "u", "b", rules=with_(screen(unsure)))
    assert type(before) is type(after) is e.Accepted
    assert (refused.reason, refused.rule) == (Reason.CHECK_FAILED, "unsure")
    assert refused.measured.startswith(says)
    assert json.loads(ask("report", "--json"))["rules"] == {"check_failed: unsure": 1}
    assert "check_failed unsure: " in ask("why", "u")


def test_a_check_that_raises_what_cannot_be_written_refuses_its_signal():
    (refused,) = tried("u", rules=with_(screen(raises)))
    assert (refused.reason, refused.rule) == (Reason.CHECK_FAILED, "raises")


def swallow_u(source):
    return source.pipe(ops.filter(lambda verdict: verdict.signal.key != "u"))


def explode_for_u(source):
    return source.pipe(ops.map(lambda verdict: verdict if verdict.signal.key != "u" else 1 / 0))


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        (swallow_u, "gave no verdict: a rule answers each verdict, and at once"),
        (explode_for_u, "raised ZeroDivisionError: division by zero"),
    ],
)
def test_a_stage_that_swallows_or_raises_loses_no_signal_and_its_sender_has_an_answer(stage, says):
    trial = Trial(rules=with_(stage))
    receipts = trial.send("a", "u", "b")
    histories = trial.kill()
    refused = histories[receipts[1].signal_id].events[0].body
    assert (refused.reason, refused.measured, refused.rule) == (Reason.CHECK_FAILED, says, stage.__name__)
    assert [receipt.reason for receipt in receipts] == [None, Reason.CHECK_FAILED, None]
    assert json.loads(ask("report", "--json"))["balanced"]


def test_a_split_among_the_rules_is_an_error_before_anything_starts():
    with pytest.raises(TypeError, match=r"only_accepted\(\) drops verdicts, .*; a rule refuses with `screen\(check\)`"):
        Trial(rules=with_(only_accepted()))


def test_a_factor_of_ones_own_is_in_the_score_that_is_recorded():
    (accepted,) = tried("a", rules=with_(weigh(lambda *_: 0.1, weight=1, name="luck")))
    assert accepted.parts[-1] == ("luck", 0.1)
    assert accepted.score == pytest.approx((0.9 * 0.5 + 0.9 * 0.3 + 1 * 0.2 + 0.1) / 2)
    assert "luck 0.1" in ask("why", "a")


def test_what_a_rule_refused_stays_readable_over_an_image_and_a_restart():
    trial = Trial(rules=with_(screen(refuse_unsure)))
    trial.send("u", "a")
    trial.wait(trial.engine.stop())
    trial.loop.close()
    again = Trial()
    assert again.engine.parts.state.ledger.rules == {"rule: mine:unsure": 1}
    again.kill()


def test_a_rule_that_a_signal_waited_for_stands_on_its_expiry():
    trial = Trial()
    (receipt,) = trial.send("a")
    trial.loop.advance(105)  # after the last execution before it expires
    (entry,) = trial.engine.parts.pending.entries.values()
    entry.obstacle = Refusal(Reason.RULE, measured=31, limit=30, rule="mine:spread")
    trial.loop.advance(16)
    trial.wait(trial.engine.committed())
    expired = trial.kill()[receipt.signal_id].events[-1].body
    assert (type(expired), expired.reason, expired.rule) == (e.Expired, Reason.RULE, "mine:spread")
    assert "Last obstacle: rule mine:spread: 31, limit 30." in ask("why", "a")


CHECKS = """
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal

number = 7

def refuse_unsure(signal, at_ns):
    return Refusal(Reason.RULE, measured=signal.confidence, limit=0.5) if signal.confidence < 0.5 else None

def angry(signal, at_ns):
    raise KeyError(signal.key)

async def later(signal, at_ns): ...

def of_one(signal): ...
"""


def test_checks_of_the_settings_are_put_behind_the_default_rules():
    Path("their_checks.py").write_text(CHECKS)
    settings = {"validation": {"checks": ["their_checks:refuse_unsure", "their_checks:angry"]}}
    trial = Trial(settings)
    receipts = [
        *trial.send("u", confidence=0.2),
        *trial.send("a"),
        *trial.send("w", confidence=0.2, strength=0.1),
    ]
    histories = trial.kill()
    seen = [histories[receipt.signal_id].events[0].body for receipt in receipts]
    assert [(body.reason, body.rule) for body in seen] == [
        (Reason.RULE, "their_checks:refuse_unsure"),
        (Reason.CHECK_FAILED, "their_checks:angry"),
        (Reason.WEAK, None),
    ]
    assert [body.measured for body in seen] == [0.2, "KeyError('a')", 0.1]
    assert "rule their_checks:refuse_unsure: 0.2, limit 0.5." in ask("why", "u")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere:f", "validation.checks nowhere:f: module 'nowhere' cannot be imported: ModuleNotFoundError"),
        ("wrong_checks:g", "validation.checks wrong_checks:g: module 'wrong_checks' has no function 'g'"),
        ("wrong_checks:number", "has no function 'number'"),
        ("wrong_checks:later", "validation.checks wrong_checks:later: later is async, and a check must answer at once"),
        ("wrong_checks:of_one", "of_one must take (signal, at_ns), or nothing where it makes a check"),
    ],
)
def test_a_check_that_cannot_be_loaded_ends_the_start_with_its_place_and_the_fix(name, says):
    Path("wrong_checks.py").write_text(CHECKS)
    with pytest.raises(SettingsError) as wrong:
        Trial({"validation": {"checks": [name]}})
    assert says in str(wrong.value)


def test_a_signal_that_an_own_check_refused_opens_no_window_for_repeats():
    Path("careful_checks.py").write_text(CHECKS)
    settings = {"validation": {"checks": ["careful_checks:refuse_unsure"]}, "dedup": {"window_s": 60}}
    trial = Trial(settings)
    refused, accepted, repeat = [*trial.send("u", confidence=0.2), *trial.send("a"), *trial.send("b")]
    trial.kill()
    assert [receipt.reason for receipt in (refused, accepted, repeat)] == [Reason.RULE, None, Reason.REPEAT]


def test_a_check_may_raise_a_cancellation_and_nothing_is_cancelled():
    def cancelled(signal, at_ns):
        raise asyncio.CancelledError

    (refused,) = tried("a", rules=with_(screen(cancelled)))
    assert (refused.reason, refused.rule) == (Reason.CHECK_FAILED, "cancelled")
