"""Checks of a running pipeline: whether it can work, and if not, why, and what helps."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from streams.availability import FOR_EVER
from streams.engine import Engine
from streams.execution import next_execution_ns
from streams.traders import Trader
from tidegate.domain.check_result import CheckResult, Health
from tidegate.domain.events import Halted
from tidegate.domain.lifecycle import Ledger, Outcome
from tidegate.domain.market import Quote
from tidegate.domain.reason_table import REASONS
from tidegate.domain.reasons import Reason
from tidegate.insight.preview import signals_waiting
from tidegate.insight.telemetry import Telemetry

__all__ = ["diagnose", "halt_result"]

_LATE_NS = 1_000_000_000


def diagnose(engine: Engine, telemetry: Telemetry) -> Sequence[CheckResult]:
    """Check everything that an execution needs, and the signals that wait for one. Changes nothing."""
    at_ns = engine.parts.clock.now_ns()
    return [
        _streams(engine),
        halt_result(engine.parts.state.halted),
        _journal(engine),
        _ledger(engine.parts.state.ledger),
        _in_flight(engine),
        *(_trader(engine, trader, at_ns) for trader in engine.traders),
        *(_market(engine, symbol, at_ns) for symbol in sorted(engine.parts.markets.symbols)),
        _stages(engine, telemetry, at_ns),
        _unproved(engine.parts.state.ledger),
        _faults(engine, telemetry),
        _execution(engine, at_ns),
        *signals_waiting(engine, at_ns),
    ]


def _streams(engine: Engine) -> CheckResult:
    if not engine.failed.done():
        return CheckResult("pipeline", Health.OK, "all streams run")
    error = engine.failed.exception()
    says = f"a stream failed, nothing more is sent: {type(error).__name__}: {error}"
    return CheckResult("pipeline", Health.ERROR, says, "restart it: open orders and signals are resumed")


def halt_result(halted: Halted | None) -> CheckResult:
    """Whether orders are allowed, or what keeps them."""
    if halted is None:
        return CheckResult("halt", Health.OK, "orders are allowed")
    what = "only closing orders are sent" if halted.reduce_only else "no orders are sent"
    return CheckResult("halt", Health.ERROR, f"{what}: {halted.why}", REASONS[Reason.HALTED].remedy)


def _journal(engine: Engine) -> CheckResult:
    commits = engine.parts.commits
    if commits.failing is None:
        return CheckResult("commits", Health.OK, f"every commit is on disk; {commits.depth()} under way")
    says = f"{commits.failing}; {commits.depth()} wait for it"
    return CheckResult("commits", Health.ERROR, says, REASONS[Reason.JOURNAL_UNAVAILABLE].remedy)


def _ledger(ledger: Ledger) -> CheckResult:
    if ledger.balanced:
        return CheckResult("ledger", Health.OK, f"balanced: each of {ledger.received} signals has one outcome")
    says = f"{ledger.received} received, but {sum(ledger.outcomes.values())} outcomes"
    return CheckResult(
        "ledger", Health.ERROR, says, "a bug: keep the journal and report it; `export` lists every signal"
    )


def _in_flight(engine: Engine) -> CheckResult:
    in_flight = engine.parts.in_flight
    says = f"{in_flight.count} of at most {in_flight.limit}"
    if not in_flight.full:
        return CheckResult("in flight", Health.OK, says)
    return CheckResult("in flight", Health.WARNING, says, REASONS[Reason.IN_FLIGHT_FULL].remedy)


def _trader(engine: Engine, trader: Trader, at_ns: int) -> CheckResult:
    subject = f"trader {trader.id}"
    followed = engine.parts.markets.symbols
    symbols = followed if trader.symbols is None else followed & trader.symbols
    without = sorted(symbol for symbol in symbols if trader.venue.rules(symbol) is None)
    suspension = engine.parts.availability.check_trader(trader.id, at_ns)
    if suspension is not None:
        measured = "" if suspension.why.measured is None else f": {suspension.why.measured}"
        until = (
            "" if suspension.until_ns >= FOR_EVER else f", for {_seconds(suspension.until_ns - at_ns)} more at least"
        )
        says = f"suspended: {suspension.why.reason}{measured}{until}"
        return CheckResult(subject, Health.ERROR, says, REASONS[suspension.why.reason].remedy)
    account = engine.parts.state.book.accounts.get(trader.id)
    balances = account.balances if account is not None else {}
    free = {currency: balance.free for currency, balance in balances.items() if balance.free > 0}
    if not free:
        return CheckResult(subject, Health.ERROR, "no free balance", REASONS[Reason.INSUFFICIENT_BALANCE].remedy)
    if without:
        health = Health.ERROR if len(without) == len(symbols) else Health.WARNING
        says = f"the rules of {_some(without)} are not known"
        return CheckResult(subject, health, says, "they come with the first price: see the markets")
    money = ", ".join(f"{_plain(amount)} {currency}" for currency, amount in free.items())
    says = f"rules of {len(symbols)} symbols known; free: {money}"
    bad = engine.parts.availability.bad_minutes(trader.id, at_ns)
    if bad:
        last = engine.parts.availability.last_failure(trader.id)
        why = "" if last is None else f", the last time {last.reason}: {last.measured}"
        return CheckResult(
            subject, Health.WARNING, f"{says}; failed in {bad} minutes of the last day{why}", "see `orders`"
        )
    return CheckResult(subject, Health.OK, says)


def _market(engine: Engine, symbol: str, at_ns: int) -> CheckResult:
    quote: Quote | None = engine.parts.markets.quotes.get(symbol)
    if quote is None:
        return CheckResult(f"market {symbol}", Health.ERROR, "no price so far", REASONS[Reason.NO_MARKET_DATA].remedy)
    age_ns, max_age_ns = engine.parts.markets.age_ns(symbol, at_ns) or 0, engine.rules.execution.max_data_age_ns
    if age_ns > max_age_ns:
        says = f"the price is {_seconds(age_ns)} old, at most {_seconds(max_age_ns)} is allowed"
        return CheckResult(f"market {symbol}", Health.ERROR, says, REASONS[Reason.STALE_MARKET_DATA].remedy)
    says = f"bid {_plain(quote.bid)}, ask {_plain(quote.ask)}, {_seconds(age_ns)} old"
    return CheckResult(f"market {symbol}", Health.OK, says)


def _stages(engine: Engine, telemetry: Telemetry, at_ns: int) -> CheckResult:
    beats, cycle_ns = dict(telemetry.heartbeats), engine.parts.activity.last_cycle_ns
    if cycle_ns is not None:
        beats["cycle"] = cycle_ns
    last = ", ".join(f"{stage} {_seconds(at_ns - beat_ns)} ago" for stage, beat_ns in sorted(beats.items()))
    return CheckResult("stages", Health.OK, last or "nothing has happened since the start")


def _unproved(ledger: Ledger) -> CheckResult:
    unknown, parked = ledger.outcomes[Outcome.UNKNOWN], ledger.outcomes[Outcome.PARKED]
    says = f"{unknown} unknown, {parked} parked"
    if parked:
        return CheckResult("unproved orders", Health.WARNING, says, REASONS[Reason.NO_PROOF].remedy)
    if unknown:
        fix = "the venue is being asked; their capital stays reserved"
        return CheckResult("unproved orders", Health.WARNING, says, fix)
    return CheckResult("unproved orders", Health.OK, says)


def _faults(engine: Engine, telemetry: Telemetry) -> CheckResult:
    faults, turned_away = telemetry.faults, telemetry.counts["turned_away"]
    if turned_away:
        says = f"{engine.parts.state.ledger.turned_away} signals were rejected at intake, and their senders notified"
        fix = "send them again more slowly, or raise intake.max_delay_ms or intake.capacity"
        return CheckResult("faults", Health.WARNING, says, fix)
    if faults:
        fix = "see the log for the strategy or the sender: `logging.json_file`"
        return CheckResult("faults", Health.WARNING, f"{faults} since the start", fix)
    return CheckResult("faults", Health.OK, "none since the start")


def _execution(engine: Engine, at_ns: int) -> CheckResult:
    schedule = engine.rules.schedule
    next_ns = next_execution_ns(schedule, engine.started_ns, at_ns)
    due_ns = next_ns - round(schedule.interval_s * 1e9)
    first = next(iter(engine.parts.pending.entries.values()), None)
    cycle_ns = engine.parts.activity.last_cycle_ns
    last_ns = engine.started_ns if cycle_ns is None else cycle_ns
    if first is not None and max(first.received_ns, last_ns) < due_ns < at_ns - _LATE_NS:
        says = f"one was due {_seconds(at_ns - due_ns)} ago and did not happen"
        return CheckResult(
            "execution", Health.ERROR, says, "the program is overloaded or stuck: restart it, see `report`"
        )
    return CheckResult("execution", Health.OK, f"next in {_seconds(next_ns - at_ns)}, every {schedule.interval_s:g} s")


def _seconds(duration_ns: int) -> str:
    return f"{duration_ns / 1e9:.1f} s"


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
