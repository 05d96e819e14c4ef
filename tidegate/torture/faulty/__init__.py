"""A world in which everything goes wrong that can: venues, disk, market, senders, clocks; all of it from one seed."""

from tidegate.torture.faulty.drawing import draw
from tidegate.torture.faulty.fault import VenueFault, VenueFaultKind
from tidegate.torture.faulty.points import Act, Points
from tidegate.torture.faulty.script import FeesIn, Lag, Planned, Script

__all__ = ["Act", "FeesIn", "Lag", "Planned", "Points", "Script", "VenueFault", "VenueFaultKind", "draw"]
