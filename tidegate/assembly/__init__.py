"""From settings to one running pipeline: the only place that chooses adapters and subscribes to them."""

from tidegate.assembly.engine import VERSION, analysts, assemble, generated
from tidegate.assembly.examining import examine_venues
from tidegate.assembly.logs import Following, begin_log
from tidegate.assembly.opening import open_live

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
