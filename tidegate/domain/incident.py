"""What can go wrong besides a signal, sorted for alerts: by kind, each with its severity."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["SEVERITY_OF", "IncidentKind", "Severity"]


class Severity(StrEnum):
    """How bad it is, and so how soon a person should look."""

    INFO = "info"
    """Good to know."""
    WARNING = "warning"
    """The pipeline recovers without help; look if it keeps happening."""
    ERROR = "error"
    """Something does not work as configured until a person corrects it."""
    CRITICAL = "critical"
    """Orders or the record of them are in doubt: look now."""


class IncidentKind(StrEnum):
    """What went wrong."""

    STRATEGY_RAISED = "strategy_raised"
    """A strategy raised an exception: it emits nothing for that candle."""
    STAGE_FAILED = "stage_failed"
    """A stage of the entry rules swallowed, duplicated or invented a verdict, or raised."""
    SUBSCRIBER_RAISED = "subscriber_raised"
    """A subscriber of ours raised an exception on one commit; it stays subscribed."""
    SUBSCRIBER_DROPPED = "subscriber_dropped"
    """A subscriber from outside raised, hung or fell behind, and was unsubscribed."""
    FOLD_DROPPED = "fold_dropped"
    """A fold of one's own raised an exception, and is fed no more events."""
    SOURCE_FAILED = "source_failed"
    """A source of one's own ended with an error, or emitted what is no signal."""
    SCHEDULE_FAILED = "schedule_failed"
    """An execution schedule of one's own ended, or emitted what is no execution cycle; the default one continues."""
    SCREEN_FAILED = "screen_failed"
    """The live screen could not be drawn."""
    FEED_FAILED = "feed_failed"
    """A market feed or a user stream failed; it is tried again."""
    RECONCILIATION_FAILED = "reconciliation_failed"
    """An account could not be compared with its venue; it is tried again."""
    JOURNAL_REFUSED = "journal_refused"
    """The journal refused an event: it cannot be encoded, or cannot follow those before it."""
    UNCLASSIFIED = "unclassified"
    """Recorded by an older program, which had no kinds."""


SEVERITY_OF = {
    IncidentKind.STRATEGY_RAISED: Severity.ERROR,
    IncidentKind.STAGE_FAILED: Severity.ERROR,
    IncidentKind.SUBSCRIBER_RAISED: Severity.ERROR,
    IncidentKind.SUBSCRIBER_DROPPED: Severity.ERROR,
    IncidentKind.FOLD_DROPPED: Severity.ERROR,
    IncidentKind.SOURCE_FAILED: Severity.ERROR,
    IncidentKind.SCHEDULE_FAILED: Severity.ERROR,
    IncidentKind.SCREEN_FAILED: Severity.WARNING,
    IncidentKind.FEED_FAILED: Severity.WARNING,
    IncidentKind.RECONCILIATION_FAILED: Severity.WARNING,
    IncidentKind.JOURNAL_REFUSED: Severity.CRITICAL,
    IncidentKind.UNCLASSIFIED: Severity.WARNING,
}
"""The severity that each kind of incident is recorded with."""
