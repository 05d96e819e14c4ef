"""What happens to signals on their way, one concept a file: each operator takes a stream and gives a stream."""

from operators.adaptive_limit import AdaptiveLimit
from operators.admission import WhenFull, admit
from operators.backoff import backoff_s
from operators.bridge import Bridge, bridge
from operators.chunks import Chunked, ChunkSubject, map_chunks, subscribe_chunks
from operators.deadlines import Deadlines
from operators.dedup import refuse_repeats
from operators.group_commit import CommitResult, GroupCommit
from operators.guard import Rules, guarded, guarded_rules
from operators.identity import identify
from operators.record import Entered, record
from operators.scoring import FACTORS, Factor, refuse_low_score, score, weigh
from operators.screen import Screened, Stage, screen
from operators.validation import refuse_stale, refuse_unknown_sources, refuse_weak
from operators.watchdog import watch

__all__ = [
    "FACTORS",
    "AdaptiveLimit",
    "Bridge",
    "ChunkSubject",
    "Chunked",
    "CommitResult",
    "Deadlines",
    "Entered",
    "Factor",
    "GroupCommit",
    "Rules",
    "Screened",
    "Stage",
    "WhenFull",
    "admit",
    "backoff_s",
    "bridge",
    "guarded",
    "guarded_rules",
    "identify",
    "map_chunks",
    "record",
    "refuse_low_score",
    "refuse_repeats",
    "refuse_stale",
    "refuse_unknown_sources",
    "refuse_weak",
    "score",
    "screen",
    "subscribe_chunks",
    "watch",
    "weigh",
]
