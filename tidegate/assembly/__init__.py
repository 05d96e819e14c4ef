"""From settings to one running pipeline: the only place that chooses adapters and subscribes to them."""

from tidegate.assembly.composition import AS_CONFIGURED, Composition
from tidegate.assembly.engine import VERSION, assemble, generated, strategy_specs
from tidegate.assembly.examining import examine_venues
from tidegate.assembly.logs import Following, begin_log
from tidegate.assembly.opening import open_live

__all__ = [
    "AS_CONFIGURED",
    "VERSION",
    "Composition",
    "Following",
    "assemble",
    "begin_log",
    "examine_venues",
    "generated",
    "open_live",
    "strategy_specs",
]
