"""Time: one clock for live and simulated runs, and a loop on which simulated time costs nothing."""

from tidegate.clock.alarm import Alarm
from tidegate.clock.grid import next_on_grid
from tidegate.clock.real_time import no_real_time
from tidegate.clock.scheduler import Clock
from tidegate.clock.virtual_loop import NothingScheduled, VirtualLoop

__all__ = ["Alarm", "Clock", "NothingScheduled", "VirtualLoop", "next_on_grid", "no_real_time"]
