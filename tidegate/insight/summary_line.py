"""A running pipeline in one plain line."""

from __future__ import annotations

from streams.engine import Engine
from streams.execution import next_execution_ns
from tidegate.domain.lifecycle import Outcome
from tidegate.insight.preview import accepted

__all__ = ["next_execution", "summary_line"]

_FROM_WAITING = (
    Outcome.WAITING,
    Outcome.PLACING,
    Outcome.PLACED,
    Outcome.REFUSED,
    Outcome.SUPERSEDED,
    Outcome.EXPIRED,
    Outcome.FAILED,
    Outcome.UNKNOWN,
    Outcome.PARKED,
)


def summary_line(engine: Engine) -> str:
    """How many signals have which outcome, in one plain line."""
    ledger = engine.parts.state.ledger
    counts = [
        ("executions", engine.parts.activity.executions),
        ("received", ledger.received),
        ("accepted", accepted(ledger)),
    ]
    counts += [(outcome.value, ledger.outcomes[outcome]) for outcome in _FROM_WAITING]
    counted = ", ".join(f"{name} {count}" for name, count in counts)
    return f"{counted}; balanced: {'yes' if ledger.balanced else 'NO'}; {next_execution(engine)}"


def next_execution(engine: Engine) -> str:
    """`next execution in 12 s`."""
    now_ns = engine.parts.clock.now_ns()
    left_ns = next_execution_ns(engine.rules.schedule, engine.started_ns, now_ns) - now_ns
    return f"next execution in {-(-left_ns // 1_000_000_000)} s"
