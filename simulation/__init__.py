"""Worlds to try things in: a seeded market, recorded ones, and a venue on paper."""

from simulation.market import SimulatedMarket
from simulation.recordings import read_candles, write_candles
from simulation.replay import Replay

__all__ = ["Replay", "SimulatedMarket", "read_candles", "write_candles"]
