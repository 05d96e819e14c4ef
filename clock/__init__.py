"""Time: one clock for live and simulated runs, and a loop on which simulated time costs nothing."""

from clock.alarm import Alarm
from clock.grid import next_on_grid
from clock.scheduler import Clock
from clock.virtual_loop import NothingScheduled, VirtualLoop

__all__ = ["Alarm", "Clock", "NothingScheduled", "VirtualLoop", "next_on_grid"]
