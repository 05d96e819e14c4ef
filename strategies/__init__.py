"""Strategies: each turns the closed candles of one symbol, one by one, into ideas."""

from strategies.breakout import trade_breakout
from strategies.catalogue import BUILT_IN, load
from strategies.ema_cross import trade_ema_cross
from strategies.idea import Idea, Strategy
from strategies.rsi_reversion import trade_rsi_reversion

__all__ = ["BUILT_IN", "Idea", "Strategy", "load", "trade_breakout", "trade_ema_cross", "trade_rsi_reversion"]
