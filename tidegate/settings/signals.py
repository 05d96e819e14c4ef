"""Which signals are generated, let in, and refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tidegate.settings.values import Count, EntryHours, Fraction, OwnFunction, Parameter, Positive, Seconds, Section

__all__ = [
    "DedupSettings",
    "IntakeSettings",
    "MarketCheckSettings",
    "SignalSettings",
    "StrategySettings",
    "ValidationSettings",
    "WeightSettings",
]


class StrategySettings(Section):
    """One strategy and its parameters."""

    name: Annotated[str, Field(min_length=1)]
    """A built-in strategy, or `module:function`."""
    params: dict[str, Parameter] = {}
    """The strategy's parameters, by name; those left out have the strategy's defaults."""


class SignalSettings(Section):
    """How our own signals are generated."""

    generation_interval_s: Seconds = 10
    """Seconds from one look at the strategies to the next."""
    min_candles: Annotated[int, Field(ge=5)] = 5
    """Closed candles a symbol needs before a strategy is asked about it."""
    strategies: tuple[StrategySettings, ...] = (
        StrategySettings(name="ema_cross", params={"fast": 2, "slow": 4}),
        StrategySettings(name="rsi_reversion", params={"period": 2, "low": 45, "high": 55}),
        StrategySettings(name="breakout", params={"period": 3}),
    )
    """Which strategies run. None: signals come from outside only."""


class WeightSettings(Section):
    """What counts how much in a signal's score; only the proportions matter."""

    strength: Annotated[float, Field(ge=0)] = 0.5
    """Weight of what the sender claims."""
    confidence: Annotated[float, Field(ge=0)] = 0.3
    """Weight of how sure the sender is."""
    freshness: Annotated[float, Field(ge=0)] = 0.2
    """Weight of how young the signal is at receipt."""

    @model_validator(mode="after")
    def _some_weight(self) -> WeightSettings:
        if self.strength + self.confidence + self.freshness <= 0:
            raise ValueError("must not all be 0: a score is their weighted mean")
        return self


class MarketCheckSettings(Section):
    """What the market must be like when a signal is executed. All but the first bind entries only, never closings."""

    max_data_age_s: Seconds | None = None
    """A signal waits while its symbol's market data is older, in seconds. null: two timeframes."""
    max_spread_bps: Positive | None = None
    """A signal waits while best bid and ask are further apart, in basis points of their middle. null: no limit."""
    max_volatility: Annotated[float, Field(gt=0)] | None = None
    """A signal waits while the returns of its symbol's last closed candles have a larger standard deviation, per
    candle, as a fraction: 0.01 is 1 %. null: no limit."""
    volatility_candles: Annotated[int, Field(ge=2, le=10_000)] = 20
    """How many of the last returns `max_volatility` looks at."""
    min_volume: Positive | None = None
    """A signal waits while its symbol's last closed candle traded less, in the quote currency. null: no limit."""
    min_volume_per_quote: dict[str, Positive] = {}
    """The same by quote currency, where `min_volume` does not fit."""
    max_drift_bps: Positive | None = None
    """A signal is refused whose price moved further against it, in basis points, from its own price, or from the middle
    of the market at its receipt. null: no limit."""
    hours: Annotated[tuple[EntryHours, ...], Field(min_length=1)] | None = None
    """A signal waits outside of these hours, in UTC, such as `08:00-20:00` or `Mon-Fri 08:00-20:00`; days are those on
    which they begin. null: entries at any time."""

    @property
    def candles(self) -> int:
        """How many returns of each symbol must be kept for these limits; 0 where none needs any."""
        return 0 if self.max_volatility is None and self.min_volume is None else self.volatility_candles


class ValidationSettings(Section):
    """Which signals are refused at receipt."""

    min_signal_strength: Fraction = 0.5
    """Weaker signals are refused, 0 to 1."""
    max_signal_age_ms: Annotated[int, Field(ge=1)] = 5000
    """Signals older at receipt are refused, from the sender's timestamp, in milliseconds."""
    min_score: Fraction = 0.0
    """Signals that score lower are refused, 0 to 1."""
    weights: WeightSettings = WeightSettings()
    sources: tuple[str, ...] | None = None
    """Only signals of these senders are accepted. null: of any."""
    market: MarketCheckSettings = MarketCheckSettings()
    checks: tuple[OwnFunction, ...] = ()
    """Checks of your own, as `module:function`: `(signal, at_ns)` gives a `Refusal`, or None to let the signal pass."""


class DedupSettings(Section):
    """When a signal is a repeat: the same source, symbol and side again."""

    window_s: Annotated[float, Field(ge=0)] = 0
    """A repeat within so many seconds is refused. 0: none is."""
    max_keys: Count = 100_000
    """How many of (source, symbol, side) are remembered at most; then the oldest is forgotten."""


class IntakeSettings(Section):
    """The intake: what happens before a signal is committed."""

    capacity: Count = 10_000
    """Signals that may wait for their commit."""
    max_waiting: Count = 200_000
    """Signals that may wait for their execution; while as many do, the intake is full."""
    max_delay_ms: Annotated[int, Field(ge=1)] | None = 1000
    """What is let in is committed within so many milliseconds of its arrival; what cannot be is shed at once. Files
    wait for their turn instead. null: no limit but the counts above."""
    when_full: Literal["turn_away", "evict_oldest"] = "turn_away"
    """Which signal is shed when a limit is reached: the newest, or the one that waits longest."""
    max_per_s: Seconds | None = None
    """Signals let in per second. null: no limit."""
    burst: Count = 100
    """Signals let in at once after a pause, where `max_per_s` is set."""
