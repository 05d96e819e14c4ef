"""From settings to one running pipeline: the only place that chooses adapters and subscribes to them."""

from assembly.engine import VERSION, analysts, assemble, generated
from assembly.examining import examine_venues
from assembly.logs import Following, begin_log
from assembly.opening import open_live

__all__ = [
    "VERSION",
    "Following",
    "analysts",
    "assemble",
    "begin_log",
    "examine_venues",
    "generated",
    "open_live",
]
