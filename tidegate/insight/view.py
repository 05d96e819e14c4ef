"""What the screen shows of a pipeline, taken in one moment on its loop, so that it can be drawn elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from streams.engine import Engine
from streams.execution import next_execution_ns
from streams.traders import is_dust
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.market import Quote
from tidegate.domain.money import Results, results_of
from tidegate.domain.position import Position
from tidegate.insight.latency import Latencies
from tidegate.insight.preview import accepted
from tidegate.insight.recent_orders import RecentOrder, RecentOrders
from tidegate.insight.telemetry import Telemetry

__all__ = ["Banner", "View", "view_of"]

_LISTED_MAX = 200
"""No screen has more lines."""


class Banner(Struct, frozen=True):
    """A warning above everything else; not `bad` if a person asked for the state it reports."""

    says: str
    bad: bool = True


class View(Struct, frozen=True):
    """A pipeline at one moment. Of long lists only what fits on a screen is there, and how many there are in all.

    `quotes` has each symbol with its best prices, if known, and how old these are. `held` counts the `positions`, of
    which dust is none.
    """

    banner: str
    up_ns: int
    next_in_ns: int
    alarm: Banner | None
    received: int
    accepted: int
    outcomes: Mapping[Outcome, int]
    balanced: bool
    turned_away: int
    faults: int
    gaps: int
    reasons: Sequence[tuple[str, int]]
    symbols: int
    quotes: Sequence[tuple[str, Quote | None, int]]
    max_data_age_ns: int
    latencies: Mapping[str, Latencies]
    open_orders: int
    orders: Sequence[RecentOrder]
    results: Results
    held: int
    dust: int
    positions: Sequence[Position]
    log: str


def view_of(engine: Engine, telemetry: Telemetry, orders: RecentOrders, *, banner: str, log: str = "") -> View:
    """Take a view of a pipeline now: copies of what changes, in well under a millisecond."""
    parts = engine.parts
    now_ns, ledger, markets = parts.clock.now_ns(), parts.state.ledger, parts.markets
    results = _results(engine)
    held = [position for position in results.positions if position.amount]
    positions = [position for position in held if not position.dust]
    symbols = sorted(markets.symbols)[:_LISTED_MAX]
    return View(
        banner=banner,
        up_ns=now_ns - engine.started_ns,
        next_in_ns=next_execution_ns(engine.rules.schedule, engine.started_ns, now_ns) - now_ns,
        alarm=_alarm(engine),
        received=ledger.received,
        accepted=accepted(ledger),
        outcomes=ledger.outcomes.copy(),
        balanced=ledger.balanced,
        turned_away=ledger.turned_away,
        faults=telemetry.faults,
        gaps=telemetry.counts["gap"],
        reasons=ledger.reasons.most_common(),
        symbols=len(markets.symbols),
        quotes=[(symbol, markets.quotes.get(symbol), markets.age_ns(symbol, now_ns) or 0) for symbol in symbols],
        max_data_age_ns=engine.rules.execution.max_data_age_ns,
        latencies={name: latencies.copy() for name, latencies in telemetry.latencies.items()},
        open_orders=sum(len(account.orders) for account in parts.state.book.accounts.values()),
        orders=orders.latest(_LISTED_MAX),
        results=results,
        held=len(positions),
        dust=len(held) - len(positions),
        positions=positions[:_LISTED_MAX],
        log=log,
    )


def _results(engine: Engine) -> Results:
    book, markets = engine.parts.state.book, engine.parts.markets
    return results_of(book, {**book.marks, **markets.marks()}, is_dust(engine.traders, markets))


def _alarm(engine: Engine) -> Banner | None:
    state, commits = engine.parts.state, engine.parts.commits
    if engine.failed.done():
        return Banner(f"FAILED, nothing more is sent: {engine.failed.exception()}")
    if commits.failing is not None:
        return Banner(f"JOURNAL FAILING: {commits.failing}")
    if state.halted is not None:
        return Banner(f"{'REDUCE ONLY' if state.halted.reduce_only else 'HALTED'}: {state.halted.why}", bad=False)
    return None
