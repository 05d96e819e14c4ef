"""A world in which everything goes wrong that can: venues, disk, market, senders, clocks; all of it from one seed."""

from simulation.faulty.drawing import draw
from simulation.faulty.mishap import Kind, Mishap
from simulation.faulty.points import Act, Points
from simulation.faulty.script import FeesIn, Lag, Planned, Script

__all__ = ["Act", "FeesIn", "Kind", "Lag", "Mishap", "Planned", "Points", "Script", "draw"]
