"""From settings to one running pipeline: the only place that chooses adapters and subscribes to them."""

from assembly.engine import VERSION, analysts, assemble, generated
from assembly.examining import examine_venues
from assembly.opening import open_live

__all__ = ["VERSION", "analysts", "assemble", "examine_venues", "generated", "open_live"]
