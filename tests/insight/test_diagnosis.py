import asyncio
import json
from decimal import Decimal

import pytest
from msgspec.structs import replace

from streams.execution import Schedule, next_execution_ns
from tidegate.assembly import assemble
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain import events as e
from tidegate.domain.check_result import CheckResult, Health, blocking
from tidegate.domain.errors import JournalUnavailable
from tidegate.domain.incident import IncidentKind
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.market import Quote
from tidegate.domain.reason_table import REASONS
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw
from tidegate.insight.diagnosis import diagnose
from tidegate.insight.preview import LOOKED_AT_MAX
from tidegate.insight.telemetry import Telemetry
from tidegate.journal.sqlite_journal import SqliteJournal
from tidegate.settings import Settings

START_NS = 1_700_000_000_000_000_000
ASLEEP = {"execution": {"interval_s": 30, "first_after_s": 1000, "signal_ttl_s": 5000}}


def diagnosed(scene, *, symbols=("A/USDT",), **changes):
    """What is found of an engine that lives through `scene`, an async function."""
    loop = VirtualLoop()

    async def live():
        clock = Clock.simulated(loop, START_NS)
        settings = Settings.model_validate({"traders": [{"balances": {"USDT": "1000"}}], **changes})
        journal = SqliteJournal("sqlite:///:memory:", mode="paper", synchronous="normal")
        engine = await assemble(settings, journal, clock, frozenset(symbols))
        telemetry = Telemetry.of(engine)
        await engine.start([])
        await scene(engine)
        findings = diagnose(engine, telemetry)
        assert findings == diagnose(engine, telemetry), "looking changes nothing"
        engine.parts.commits.failing = None
        if not engine.failed.done():
            await engine.stop()
        return findings

    return loop.run_until_complete(live())


def show(engine, symbol="A/USDT", bid="10"):
    quote = Quote(symbol, engine.parts.clock.now_ns(), Decimal(bid), Decimal(bid) + 1, Decimal(1000))
    engine.parts.markets.follow(quote)
    for trader in engine.traders:
        trader.venue.on_quote(quote)


async def send(engine, key, **fields):
    said = {"symbol": "A/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": key, **fields}
    engine.inbox.give([Raw(json.dumps(said).encode(), may_say_now=True)])
    await engine.committed()


async def decree(engine, body):
    engine.record(body)
    await engine.committed()


def of(subject, findings):
    return [finding for finding in findings if finding.subject == subject]


def only(subject, findings):
    (finding,) = of(subject, findings)
    return finding


async def nothing(engine):
    show(engine)


def test_a_pipeline_that_can_work_has_no_blocking_finding_and_no_fix_without_need():
    findings = diagnosed(nothing)
    assert blocking(findings) == []
    assert all(finding.fix == "" for finding in findings if finding.verdict is Health.OK)
    assert only("trader paper", findings).says == "rules of 1 symbols known; free: 1000 USDT"
    assert only("market A/USDT", findings).says == "bid 10, ask 11, 0.0 s old"
    assert only("execution", findings).says == "next in 10.0 s, every 30 s"


async def halt(engine):
    await decree(engine, e.Halted(reduce_only=False, why="by hand"))


async def reduce_only(engine):
    await decree(engine, e.Halted(reduce_only=True, why="by hand"))


async def lose_a_signal(engine):
    engine.parts.state.ledger.outcomes[Outcome.PLACED] += 1


async def fill_the_disk(engine):
    engine.parts.commits.failing = JournalUnavailable("disk full")


async def take_every_place(engine):
    for _ in range(engine.parts.in_flight.limit):
        engine.parts.in_flight.take()


async def break_a_stream(engine):
    engine.failed.set_exception(ValueError("boom"))


async def show_and_wait(engine):
    show(engine)
    await asyncio.sleep(20.5)


async def spend_everything(engine):
    show(engine)
    engine.parts.state.book.account("paper").balances["USDT"].locked = Decimal(1000)


async def fault(engine):
    engine.fault(IncidentKind.STRATEGY_RAISED, "strategy x", ValueError("boom"))
    await engine.committed()


async def turn_away(engine):
    await decree(engine, e.TurnedAway(count=3, reason=Reason.DOOR_FULL))


async def doubt(engine):
    engine.parts.state.ledger.move(None, Outcome.UNKNOWN)


async def park(engine):
    engine.parts.state.ledger.move(None, Outcome.PARKED)


@pytest.mark.parametrize(
    ("scene", "subject", "verdict", "says"),
    [
        pytest.param(halt, "halt", "error", "no orders are sent: by hand", id="halted"),
        pytest.param(reduce_only, "halt", "error", "only closing orders are sent: by hand", id="reduce only"),
        pytest.param(lose_a_signal, "ledger", "error", "0 received, but 1 outcomes", id="the ledger does not balance"),
        pytest.param(fill_the_disk, "commits", "error", "disk full; 0 wait for it", id="the journal fails"),
        pytest.param(take_every_place, "in flight", "warning", "1024 of at most 1024", id="no place in flight"),
        pytest.param(break_a_stream, "pipeline", "error",
                     "a stream failed, nothing more is sent: ValueError: boom", id="a stream broke"),
        pytest.param(show_and_wait, "market A/USDT", "error",
                     "the price is 20.5 s old, at most 20.0 s is allowed", id="the price is too old"),
        pytest.param(halt, "market A/USDT", "error", "no price so far", id="there is no price"),
        pytest.param(halt, "trader paper", "error", "the rules of A/USDT are not known", id="there are no rules"),
        pytest.param(spend_everything, "trader paper", "error", "no free balance", id="no money"),
        pytest.param(fault, "faults", "warning", "1 since the start", id="a strategy raised"),
        pytest.param(turn_away, "faults", "warning",
                     "3 signals were rejected at intake, and their senders notified", id="a full door"),
        pytest.param(doubt, "unproved orders", "warning", "1 unknown, 0 parked", id="an order nobody vouches for"),
        pytest.param(park, "unproved orders", "warning", "0 unknown, 1 parked", id="a person has to decide"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_and_has_a_fix(scene, subject, verdict, says):
    finding = only(subject, diagnosed(scene))
    assert (finding.verdict, finding.says) == (verdict, says)
    assert finding.fix


def test_a_price_is_good_up_to_its_greatest_age():
    async def wait(engine):
        show(engine)
        await asyncio.sleep(20)

    assert only("market A/USDT", diagnosed(wait)).verdict is Health.OK


def test_some_symbols_without_rules_are_a_warning():
    trader = only("trader paper", diagnosed(nothing, symbols=("A/USDT", "B/USDT")))
    assert (trader.verdict, trader.says) == (Health.WARNING, "the rules of B/USDT are not known")


def test_of_many_symbols_without_rules_three_are_named():
    trader = only("trader paper", diagnosed(halt, symbols="ABCDE"))
    assert trader.says == "the rules of A, B, C and 2 more are not known"


def test_a_small_balance_is_one():
    trader = only("trader paper", diagnosed(nothing, traders=[{"balances": {"USDT": "0.5", "BTC": "0"}}]))
    assert trader.says == "rules of 1 symbols known; free: 0.5 USDT"


def test_stages_tell_their_last_sign_of_life():
    async def one_signal(engine):
        await send(engine, "a")
        await asyncio.sleep(2)

    assert only("stages", diagnosed(one_signal)).says == "intake 2.0 s ago"


async def all_weak(engine):
    for key in "ab":
        await send(engine, key, strength=0.1)


async def placed(engine):
    show(engine)
    await send(engine, "a")
    engine.trigger()
    await engine.when_idle()


async def waiting(engine):
    show(engine)
    await send(engine, "a")


@pytest.mark.parametrize(
    ("scene", "verdict", "says"),
    [
        pytest.param(nothing, "warning", "no signals: none has been received", id="nothing came"),
        pytest.param(all_weak, "warning", "no signals: all 2 received were refused: weak 2", id="nothing passed"),
        pytest.param(placed, "ok", "no signals: none is waiting, all 1 accepted are decided", id="nothing waits"),
        pytest.param(waiting, "ok", "1 waiting: 1 could be executed now", id="one waits for its turn"),
    ],
)
def test_no_signals_are_told_from_signals_that_wait(scene, verdict, says):
    signals = only("signals", diagnosed(scene, **ASLEEP))
    assert (signals.verdict, signals.says) == (verdict, says)
    assert bool(signals.fix) is (verdict == "warning")


async def halted_with_two(engine):
    show(engine)
    await send(engine, "a")
    await send(engine, "b")
    await halt(engine)


async def unpriced(engine):
    await send(engine, "a")


async def outdated(engine):
    await waiting(engine)
    await asyncio.sleep(30)


async def nothing_to_sell(engine):
    show(engine)
    await send(engine, "a", side="sell")


async def no_place(engine):
    await waiting(engine)
    await take_every_place(engine)


async def in_backoff(engine):
    await waiting(engine)
    (entry,) = engine.parts.pending.entries.values()
    entry.due_ns = engine.parts.clock.now_ns() + 1


@pytest.mark.parametrize(
    ("scene", "says", "fix"),
    [
        pytest.param(halted_with_two, "2 cannot be executed: halted; measured by hand", Reason.HALTED, id="halted"),
        pytest.param(unpriced, "1 cannot be executed: no_market_data; measured A/USDT",
                     Reason.NO_MARKET_DATA, id="no price"),
        pytest.param(outdated, "1 cannot be executed: stale_market_data; measured 30.0, limit 20.0",
                     Reason.STALE_MARKET_DATA, id="the price is too old"),
        pytest.param(nothing_to_sell, "1 would be refused: no_position; measured 0, limit 0.00001",
                     Reason.NO_POSITION, id="nothing to sell"),
        pytest.param(no_place, "1 cannot be executed: in_flight_full; limit 1024",
                     Reason.IN_FLIGHT_FULL, id="no place in flight"),
        pytest.param(in_backoff, "1 cannot be executed: backoff", Reason.BACKOFF, id="in backoff"),
    ],
)  # fmt: skip
def test_signals_that_cannot_be_executed_say_why_with_an_example(scene, says, fix):
    count, held = of("signals", diagnosed(scene, **ASLEEP))
    assert count.says.endswith(" waiting: 0 could be executed now")
    assert held.verdict is Health.WARNING
    assert held.says.startswith(f"{says}; such as ")
    assert held.fix == REASONS[fix].remedy


def test_the_most_frequent_obstacle_comes_first():
    async def scene(engine):
        show(engine)
        for number in range(5):
            await send(engine, f"n{number}", **({"symbol": "B/USDT"} if number else {"side": "sell"}))

    said = [
        finding.says.split(";")[0]
        for finding in of("signals", diagnosed(scene, symbols=("A/USDT", "B/USDT"), **ASLEEP))
    ]
    assert said == [
        "5 waiting: 0 could be executed now", "4 cannot be executed: no_market_data", "1 would be refused: no_position",
    ]  # fmt: skip


def test_of_very_many_signals_only_the_first_are_looked_at():
    async def scene(engine):
        await waiting(engine)
        (entry,) = engine.parts.pending.entries.values()
        engine.parts.pending.entries.update((-n, entry) for n in range(LOOKED_AT_MAX))

    (count,) = of("signals", diagnosed(scene, **ASLEEP))
    assert count.says == "1001 waiting, 1000 checked: 1000 could be executed now"


def overdue(late_ns, received_before_ns=1):
    async def scene(engine):
        show(engine)
        await send(engine, "a")
        now_ns = engine.parts.clock.now_ns()
        (entry,) = engine.parts.pending.entries.values()
        entry.received_at_ns = now_ns - late_ns - received_before_ns
        engine.started_ns = now_ns - late_ns - round(engine.rules.schedule.first_after_s * 1e9)

    return scene


@pytest.mark.parametrize(
    ("scene", "verdict"),
    [
        pytest.param(overdue(2_000_000_000), Health.ERROR, id="something waited for it"),
        pytest.param(overdue(1_000_000_000), Health.OK, id="it is hardly late"),
        pytest.param(overdue(2_000_000_000, received_before_ns=-1), Health.OK, id="what waits came after it"),
    ],
)
def test_an_execution_that_did_not_take_place_is_an_error(scene, verdict):
    execution = only("execution", diagnosed(scene, **ASLEEP))
    assert execution.verdict is verdict
    assert (execution.says == "one was due 2.0 s ago and did not happen") is (verdict is Health.ERROR)


@pytest.mark.parametrize(
    ("now_s", "then_s"),
    [
        pytest.param(0, 10, id="the first comes after its own delay"),
        pytest.param(10, 10, id="an execution that is due now is the next"),
        pytest.param(10.001, 40, id="the others come in intervals"),
        pytest.param(100, 100, id="also much later"),
    ],
)
def test_the_next_execution(now_s, then_s):
    schedule = Schedule(interval_s=30, first_after_s=10)
    then_ns = next_execution_ns(schedule, START_NS, START_NS + int(now_s * 1e9))
    assert then_ns == START_NS + then_s * 1_000_000_000


def test_the_next_execution_is_when_the_next_tick_comes():
    seen = []

    async def scene(engine):
        engine.parts.published.executions.stream.subscribe(lambda tick: seen.append(tick.due_ns))
        await send(engine, "a")
        seen.append(next_execution_ns(engine.rules.schedule, engine.started_ns, engine.parts.clock.now_ns()))
        await asyncio.sleep(10)

    diagnosed(scene)
    assert len(seen) == 2
    assert seen[0] == seen[1]


def test_only_errors_block():
    findings = [CheckResult("a", health, "") for health in Health]
    assert blocking(findings) == [replace(findings[0], verdict=Health.ERROR)]
