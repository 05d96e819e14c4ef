"""Everything a person may set, in one value."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from tidegate.settings.execution import ExecutionSettings, LimitSettings, PricingSettings, SizingSettings
from tidegate.settings.signals import DedupSettings, IntakeSettings, SignalSettings, ValidationSettings
from tidegate.settings.surroundings import JournalSettings, LoggingSettings, MarketSettings
from tidegate.settings.traders import TraderSettings
from tidegate.settings.values import Section, Symbol, Timeframe

__all__ = ["Settings"]

_UNIT_NS = {unit: s * 1_000_000_000 for unit, s in {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}.items()}


def _each_once(symbols: tuple[str, ...]) -> tuple[str, ...]:
    if not symbols:
        raise ValueError("must name at least one symbol")
    twice = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if twice:
        raise ValueError(f"must name each symbol once: {', '.join(twice)} occurs more than once")
    return symbols


class Settings(Section):
    """Everything a person may set. The defaults are those of the settings.json that ships: a lively paper trader."""

    mode: Literal["paper", "live"] = "paper"
    """`paper`: no real money."""
    installation: Annotated[str, Field(min_length=1)] = "default"
    """Tells this installation's orders from those of others on the same account."""
    symbols: Annotated[tuple[Symbol, ...], Field(json_schema_extra={"minItems": 1}), AfterValidator(_each_once)] = (
        "BTC/USDT",
        "ETH/USDT",
        "SOL/USDT",
        "XRP/USDT",
    )
    """What is watched and traded, in unified symbols."""
    timeframe: Timeframe = "10s"
    """Length of a candle: a number and s, m, h, d or w."""
    signals: SignalSettings = SignalSettings()
    validation: ValidationSettings = ValidationSettings()
    dedup: DedupSettings = DedupSettings()
    intake: IntakeSettings = IntakeSettings()
    execution: ExecutionSettings = ExecutionSettings()
    sizing: SizingSettings = SizingSettings()
    pricing: PricingSettings = PricingSettings()
    limits: LimitSettings = LimitSettings()
    traders: tuple[TraderSettings, ...] = (TraderSettings(),)
    """The accounts: at least one."""
    journal: JournalSettings = JournalSettings()
    market: MarketSettings = MarketSettings()
    logging: LoggingSettings = LoggingSettings()

    @field_validator("traders")
    @classmethod
    def _each_its_own_id(cls, traders: tuple[TraderSettings, ...], info: ValidationInfo) -> tuple[TraderSettings, ...]:
        if not traders:
            raise ValueError("must be at least one")
        ids = [trader.id for trader in traders]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"must have an id each: {', '.join(twice)} occurs more than once")
        on_paper = [trader.id for trader in traders if trader.exchange == "paper"]
        if info.data.get("mode") == "live" and on_paper:
            raise ValueError(f"must name a real exchange each in live mode: {', '.join(on_paper)} is on paper")
        return traders

    @property
    def timeframe_ns(self) -> int:
        """Length of a candle, in nanoseconds."""
        return int(self.timeframe[:-1]) * _UNIT_NS[self.timeframe[-1]]

    @property
    def max_market_data_age_s(self) -> float:
        """`validation.market.max_data_age_s`, or two timeframes, in seconds."""
        return self.validation.market.max_data_age_s or 2 * self.timeframe_ns / 1_000_000_000

    @property
    def max_in_flight(self) -> int:
        """`execution.max_in_flight`, or what suits the mode."""
        return self.execution.max_in_flight or (1024 if self.mode == "paper" else 16)
