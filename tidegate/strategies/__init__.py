"""Strategies: each turns the closed candles of one symbol, one by one, into ideas."""

from tidegate.strategies.breakout import trade_breakout
from tidegate.strategies.catalogue import BUILT_IN, load
from tidegate.strategies.ema_cross import trade_ema_cross
from tidegate.strategies.idea import Idea, Strategy
from tidegate.strategies.own import own_function
from tidegate.strategies.rsi_reversion import trade_rsi_reversion

__all__ = [
    "BUILT_IN",
    "Idea",
    "Strategy",
    "load",
    "own_function",
    "trade_breakout",
    "trade_ema_cross",
    "trade_rsi_reversion",
]
