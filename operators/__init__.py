"""What happens to signals on their way, one concept a file: each operator takes a stream and gives a stream."""

from operators.admission import WhenFull, admit
from operators.bridge import Bridge, bridge
from operators.dedup import refuse_repeats
from operators.expiry import Deadlines, expire
from operators.identity import identify
from operators.record import Entered, GroupCommit, Told, record
from operators.retry import backoff_s, retry_after_backoff
from operators.scoring import FACTORS, Factor, refuse_low_score, score
from operators.screen import Screened, Stage, screen
from operators.split import only_accepted, only_refused
from operators.validation import refuse_stale, refuse_unknown_sources, refuse_weak
from operators.watchdog import watch

__all__ = [
    "FACTORS",
    "Bridge",
    "Deadlines",
    "Entered",
    "Factor",
    "GroupCommit",
    "Screened",
    "Stage",
    "Told",
    "WhenFull",
    "admit",
    "backoff_s",
    "bridge",
    "expire",
    "identify",
    "only_accepted",
    "only_refused",
    "record",
    "refuse_low_score",
    "refuse_repeats",
    "refuse_stale",
    "refuse_unknown_sources",
    "refuse_weak",
    "retry_after_backoff",
    "score",
    "screen",
    "watch",
]
