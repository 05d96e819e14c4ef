"""docs/reasons.md, made from the table of reasons: `python -m tidegate.cli.reasons_doc > docs/reasons.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import fill

from tidegate.domain.reason_table import REASONS, Phase, ReasonEntry
from tidegate.domain.reasons import Reason

__all__ = ["reasons_doc"]

_WIDTH = 120
_OPENING = """\
# Reasons

Every outcome that is not an order has a reason code. `why ID` shows it with what was measured and the limit; `signals
--reason CODE` lists the signals, `report` counts them. Numbers are in the units named here. Settings are written as in
`settings.json`: `validation.min_signal_strength` is `min_signal_strength` under `validation`.

This page is generated from `tidegate/domain/reason_table.py` by `python -m tidegate.cli.reasons_doc`.
"""

_SECTIONS = {
    Phase.RECEIPT: ("Refused at receipt", "The signal is recorded as `refused` and never executed."),
    Phase.INTAKE: (
        "Shed at intake",
        (
            "The signal was not recorded and not acknowledged. A sender that waited for an answer received this code, "
            "and may send the same signal again. `report` counts all of them as `turned_away`."
        ),
    ),
    Phase.SUPERSEDING: ("Superseded", "A newer signal replaced it before its execution."),
    Phase.EXECUTION: (
        "Refused at execution",
        "The signal was accepted and waited; when it was to be executed, our own limits forbade the order. Final.",
    ),
    Phase.WAITING: (
        "Obstacles",
        (
            "What a waiting signal waits for. It may go away, so the signal is not refused. If the signal expires, its "
            "last obstacle is recorded."
        ),
    ),
    Phase.VENUE: ("What a venue answered", "What came of an attempt to place the order."),
}

_GLANCE = """\
## At a glance

Where the cause lies, whether the reason ends the signal, whether an attempt that ended so counts towards
`execution.order_creation_retries`, whether it counts as a failure of the venue (and may suspend the account), and what
`execute_with_diagnostics` raises when no order was placed because of it.
"""

_A_SETTING = re.compile(r"(?<![`.\w])[a-z]+(?:\.[a-z_]+)+(?![`\w])")


def reasons_doc() -> str:
    """The document on all reasons, in the order of their enum."""
    return "\n".join([_OPENING, *map(_section, _SECTIONS), _GLANCE, *_table(_GLANCE_HEADS, map(_glance, REASONS)), ""])


def _section(phase: Phase) -> str:
    title, intro = _SECTIONS[phase]
    rows = (_row(reason, entry) for reason, entry in REASONS.items() if entry.phase is phase)
    return "\n".join([f"## {title}\n", f"{fill(intro, _WIDTH)}\n", *_table(_HEADS, rows), ""])


_HEADS = ("code", "it means", "measured", "limit", "what to do")
_GLANCE_HEADS = ("code", "cause", "ends the signal", "costs an attempt", "fails the venue", "raises")


def _row(reason: Reason, entry: ReasonEntry) -> tuple[str, ...]:
    return f"`{reason}`", entry.meaning, entry.measured, entry.limit, _sentence(entry.remedy)


def _glance(reason: Reason) -> tuple[str, ...]:
    entry = REASONS[reason]
    raised = f"`{entry.error.__name__}`" if entry.error is not None else "-"
    marks = ("yes" if is_so else "no" for is_so in (entry.final, entry.costs_attempt, entry.against_venue))
    return (f"`{reason}`", entry.origin, *marks, raised)


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _sentence(remedy: str) -> str:
    named = _A_SETTING.sub(r"`\g<0>`", remedy)
    return f"{named[0].upper()}{named[1:]}."


if __name__ == "__main__":
    print(reasons_doc(), end="")
