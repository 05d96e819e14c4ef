"""What a person edits, and its types: read once, handed on in parts."""

from settings.execution import ExecutionSettings, LimitSettings, PricingSettings, SizingSettings
from settings.keys import keys_of
from settings.loading import DEFAULT_PATH, load_settings
from settings.model import Settings
from settings.signals import (
    DedupSettings,
    IntakeSettings,
    MarketCheckSettings,
    SignalSettings,
    StrategySettings,
    ValidationSettings,
    WeightSettings,
)
from settings.surroundings import JournalSettings, LoggingSettings, MarketSettings
from settings.traders import FeeSettings, MarketRuleSettings, TraderSettings
from settings.views import json_schema, masked, settings_hash

__all__ = [
    "DEFAULT_PATH",
    "DedupSettings",
    "ExecutionSettings",
    "FeeSettings",
    "IntakeSettings",
    "JournalSettings",
    "LimitSettings",
    "LoggingSettings",
    "MarketCheckSettings",
    "MarketRuleSettings",
    "MarketSettings",
    "PricingSettings",
    "Settings",
    "SignalSettings",
    "SizingSettings",
    "StrategySettings",
    "TraderSettings",
    "ValidationSettings",
    "WeightSettings",
    "json_schema",
    "keys_of",
    "load_settings",
    "masked",
    "settings_hash",
]
