"""From settings to one running pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from random import Random
from types import MappingProxyType
from typing import TypeAlias

from reactivex import Observable, compose, merge

from operators import (
    Rules,
    WhenFull,
    admit,
    guarded_rules,
    refuse_low_score,
    refuse_repeats,
    refuse_stale,
    refuse_unknown_sources,
    refuse_weak,
    score,
    watch,
)
from operators.group_commit import GroupCommit
from streams.activity import Activity
from streams.availability import Availability, Pace
from streams.blocked import BlockedSignals
from streams.decision import OrderRules
from streams.engine import Engine
from streams.execution import ExecutionCycle, Schedule
from streams.folds import Folds
from streams.in_flight import InFlight
from streams.intake import IntakeLoad
from streams.market import Markets, News, candles_of, taken_in
from streams.orders import OrderUpdates
from streams.own_executions import own_executions
from streams.pending import PendingQueue
from streams.pipeline import Parts, PipelineRules, Stage
from streams.placement import Placement, Retries
from streams.published import Published
from streams.reconciliation import Reconciliation
from streams.reconciliation_schedule import ReconciliationSchedule
from streams.resolution import Lookups, Resolution
from streams.signals import Generation, StrategySpec, generate
from streams.state import State
from streams.traders import Trader, another_is_able, refuse_untradable
from tidegate.assembly.composition import AS_CONFIGURED, Composition
from tidegate.assembly.execution_checks import execution_checks
from tidegate.assembly.own_checks import own_check
from tidegate.assembly.paper import paper_venue
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.identity import installation_tag
from tidegate.domain.incident import IncidentKind
from tidegate.domain.market import Candle, MarketRules
from tidegate.domain.ports import Item, Journal, Venue
from tidegate.domain.signal import Raw, Signal
from tidegate.domain.signal_summary import signal_of
from tidegate.market.feeds import MarketFeed
from tidegate.settings import Settings, settings_hash
from tidegate.strategies import load
from tidegate.venues.paper.venue import PaperVenue

__all__ = ["VERSION", "assemble", "generated", "strategy_specs"]

VERSION = "0.1.0"

_RECENT_EVENTS = 5_000  # more than any venue lets an account cause within its short windows

Seen: TypeAlias = Sequence[tuple[Signal, int]]


async def assemble(
    settings: Settings,
    journal: Journal,
    clock: Clock,
    symbols: frozenset[str],
    *,
    venues: Sequence[Venue] | None = None,
    close_venues: Sequence[Callable[[], Awaitable[None]]] = (),
    known_rules: Mapping[str, MarketRules] = MappingProxyType({}),
    paces: Mapping[str, Pace] = MappingProxyType({}),
    priced_on: Mapping[str, str] = MappingProxyType({}),
    own: Composition = AS_CONFIGURED,
) -> Engine:
    """A pipeline over an open journal, not started yet, on the `venues` given, one for each trader in the settings.

    Without any they are paper venues, by the rules of real markets where they are known, and otherwise by likely ones;
    accounts that are new are funded here. `paces` bound how fast accounts are given orders; `priced_on` names the
    venues by whose prices the orders of accounts are made, where that is not the market followed. `own` is what a
    program composes into it.

    Raises:
        SettingsError: a strategy cannot be loaded.
        JournalUnavailable: nothing can be written.
        ValueError: two folds have the same name, or the chain of checks cannot choose an account.
    """
    state = State.of(journal)
    opening: list[e.Body] = [e.Started(version=VERSION, settings_hash=settings_hash(settings))]
    if venues is None:
        new = (trader for trader in settings.traders if trader.id not in state.book.accounts)
        opening += [e.Funded(trader=trader.id, balances=trader.balances) for trader in new]
    await journal.commit([Item(clock.wall_ns(), tuple(opening))], {})
    state.fold(journal.read(state.position))
    kept = Folds(state, own.folds, journal)

    commits = GroupCommit(
        journal,
        clock=clock,
        group_max=settings.journal.group_max,
        images=kept.images,
        outcome_of=state.outcome,
    )
    markets = Markets(symbols, clock=clock, candles=settings.validation.market.candles)
    availability = Availability({trader.id: trader.exchange for trader in settings.traders})
    for trader_id, pace in paces.items():
        pace.sent_before(_ages_s(journal, clock, trader_id))
        availability.pace(trader_id, pace)
    pending = PendingQueue(
        clock,
        commits,
        BlockedSignals(clock, availability.freed),
        supersede=settings.execution.supersede,
        halted=lambda: state.halted,
    )
    in_flight = InFlight(settings.max_in_flight, clock=clock)
    if venues is None:
        venues = [paper_venue(trader, state, markets, known_rules) for trader in settings.traders]
    traders = [
        Trader(
            venue,
            trader.priority,
            frozenset(trader.symbols) if trader.symbols else None,
            priced_on.get(trader.id),
        )
        for trader, venue in zip(settings.traders, venues, strict=True)
    ]
    updates = OrderUpdates(state, commits, markets.valued)
    placement = Placement(
        state,
        pending,
        in_flight,
        clock=clock,
        commits=commits,
        retries=_retries(settings),
        availability=availability,
        elsewhere=lambda entry, trader: another_is_able(entry.signal, traders, entry.rejected_by | {trader}),
        valued=markets.valued,
    )

    def alarm(kind: IncidentKind, where: str, error: Exception) -> None:
        engine.fault(kind, where, error)

    resolution = Resolution(
        placement,
        {trader.id: trader.venue for trader in traders},
        clock=clock,
        commits=commits,
        lookups=Lookups(),
    )
    reconciliations = ReconciliationSchedule(
        Reconciliation(
            state,
            journal,
            pending,
            updates,
            resolution,
            clock=clock,
            commits=commits,
            tag=installation_tag(settings.installation),
        ),
        venues,
        clock=clock,
        every_s=settings.execution.reconcile_interval_s,
        fault=partial(alarm, IncidentKind.RECONCILIATION_FAILED),
        differed=lambda differed: engine.record(differed),
        committed=lambda: engine.committed(),
        compared=availability.reconciled,
        failed=availability.not_compared,
    )
    intake = settings.intake
    parts = Parts(
        clock,
        commits,
        state,
        kept,
        markets,
        traders,
        pending,
        in_flight,
        placement,
        updates,
        resolution,
        reconciliations,
        availability,
        IntakeLoad(
            commits,
            pending,
            clock=clock,
            capacity=intake.capacity,
            max_waiting=intake.max_waiting,
            max_delay_ms=intake.max_delay_ms,
        ),
        Activity(),
        own.published or Published(clock),
    )
    failed = partial(alarm, IncidentKind.SCHEDULE_FAILED)
    rules = _rules(
        settings,
        parts,
        own,
        seen=lambda: _accepted_lately(settings, journal, clock),
        alarm=failed,
    )
    engine = Engine(parts, rules, journal, close_journal=journal.close, close_venues=close_venues)
    parts.published.report_to(engine.subscriber_dropped)
    return engine


def generated(
    engine: Engine,
    world: MarketFeed,
    settings: Settings,
    *,
    strategies: bool,
    on_news: Callable[[Sequence[News]], None] | None = None,
) -> Observable[Raw]:
    """The signals that the strategies make of the market's candles; see `followed` for what else is done with them."""
    generation = Generation(
        strategy_specs=strategy_specs(settings) if strategies else (),
        interval_s=settings.signals.generation_interval_s,
        min_candles=settings.signals.min_candles,
    )
    raised = partial(engine.fault, IncidentKind.STRATEGY_RAISED)
    return followed(engine, world, settings, on_news=on_news).pipe(
        generate(generation, clock=engine.parts.clock, history=world.history, fault=raised)
    )


def followed(
    engine: Engine, world: MarketFeed, settings: Settings, *, on_news: Callable[[Sequence[News]], None] | None = None
) -> Observable[Candle]:
    """The closed candles of a market that the pipeline follows. Its markets get all news first, then the paper venues,
    then `on_news`.

    When no news came for as long as market data may be old, a gap is recorded, once for each silence.
    """
    max_age_s = settings.max_market_data_age_s

    def silent(name: str, for_s: float) -> None:
        if for_s >= max_age_s:  # the end of a recording is no silence
            engine.record(e.Gap(where=name, silent_s=for_s))

    # The paper venue derives its rules from the price that the markets know.
    for candle in world.history:
        engine.parts.markets.follow(candle)
    listeners = [engine.parts.markets.follow_all, *map(_listener, engine.traders), on_news]
    candles = world.news.pipe(
        watch("market data", clock=engine.parts.clock, silent_after_s=max_age_s, alarm=silent),
        candles_of(*(listener for listener in listeners if listener is not None)),
    )
    elsewhere = [
        news.pipe(
            watch(f"market data of {venue}", clock=engine.parts.clock, silent_after_s=max_age_s, alarm=silent),
            taken_in(engine.parts.markets.on(venue).follow_all),
        )
        for venue, news in world.other_venues.items()
    ]
    return merge(candles, *elsewhere) if elsewhere else candles


def strategy_specs(settings: Settings) -> Sequence[StrategySpec]:
    """The strategies of the settings.

    Raises:
        SettingsError: one cannot be loaded; the message names it.
    """
    return [StrategySpec(s.name, s.params, load(s.name, s.params)) for s in settings.signals.strategies]


def _listener(trader: Trader) -> Callable[[Sequence[News]], None] | None:
    return trader.venue.on_news if isinstance(trader.venue, PaperVenue) else None


def _rules(
    settings: Settings,
    parts: Parts,
    own: Composition,
    *,
    seen: Callable[[], Seen],
    alarm: Callable[[str, Exception], None],
) -> PipelineRules:
    intake, execution = settings.intake, settings.execution
    score_needed, default_checks = execution.urgent_score, execution_checks(settings)
    return PipelineRules(
        admit=admit(
            capacity=intake.capacity,
            depth=parts.intake_load.depth,
            clock=parts.clock,
            when_full=WhenFull(intake.when_full),
            max_per_s=intake.max_per_s,
            burst=intake.burst,
            limit=parts.intake_load.limit,
            turned_away=parts.intake_load.turned_away,
        ),
        entry=_entry_rules(settings, refuse_untradable(parts.markets.symbols, parts.traders), seen, own.rules),
        execution=OrderRules(
            checks=default_checks if own.checks is None else own.checks(default_checks),
            tag=installation_tag(settings.installation),
            max_data_age_ns=int(settings.max_market_data_age_s * 1e9),
        ),
        schedule=Schedule(execution.interval_s, execution.first_after_s),
        executions=(
            _as_they_are if own.executions is None else own_executions(own.executions, clock=parts.clock, alarm=alarm)
        ),
        ttl_ns=int(execution.signal_ttl_s * 1e9),
        reconcile_every_s=settings.execution.reconcile_interval_s if settings.mode == "live" else None,
        mid_at_receipt=settings.validation.market.max_drift_bps is not None,
        urgent=lambda entry: score_needed is not None and entry.score >= score_needed,
    )


def _as_they_are(default: Observable[ExecutionCycle]) -> Observable[ExecutionCycle]:
    return default


def _accepted_lately(settings: Settings, journal: Journal, clock: Clock) -> Seen:
    since_ns = clock.wall_ns() - round(settings.dedup.window_s * 1e9)
    histories = (
        history for history in journal.received_since(since_ns) if isinstance(history.events[0].body, e.Accepted)
    )
    newest = [(signal_of(history), history.events[0].at_ns) for history in islice(histories, settings.dedup.max_keys)]
    return [(signal, at_ns) for signal, at_ns in reversed(newest) if signal is not None]


def _ages_s(journal: Journal, clock: Clock, trader: str) -> Iterator[float]:
    """How many seconds ago the last orders of a trader may have been sent: those of the journal's end."""
    for event in journal.read(max(0, journal.head() - _RECENT_EVENTS)):
        if isinstance(event.body, e.Intent) and event.body.trader == trader:
            yield max(0, clock.wall_ns() - event.at_ns) / 1e9


def _entry_rules(settings: Settings, tradable: Stage, seen: Callable[[], Seen], rules: Rules | None = None) -> Stage:
    """What a signal must pass at receipt. The user's own rules see the score, and come before what closes the way: the
    least score, of which their factors are a part, and repeats, for which only signals count that passed all of them.
    """
    validation = settings.validation
    stages: list[Stage] = []
    if validation.sources is not None:
        stages.append(refuse_unknown_sources(sources=validation.sources))
    stages += [
        tradable,
        refuse_stale(max_age_ms=validation.max_signal_age_ms),
        refuse_weak(min_strength=validation.min_signal_strength),
        score(weights=validation.weights.model_dump(), max_age_ms=validation.max_signal_age_ms),
        *(own_check(name) for name in validation.checks),
    ]
    default = compose(*stages)
    return compose(
        default if rules is None else guarded_rules(rules, default),
        refuse_low_score(min_score=validation.min_score),
        refuse_repeats(window_s=settings.dedup.window_s, max_keys=settings.dedup.max_keys, seen=seen),
    )


def _retries(settings: Settings) -> Retries:
    execution = settings.execution
    return Retries(
        attempts_max=execution.order_creation_retries,
        delay_s=execution.order_creation_retry_delay_ms / 1000,
        max_delay_s=execution.max_retry_delay_ms / 1000,
        jitter=Random(settings.installation).random,  # noqa: S311 - spreads retries, guards nothing
    )
