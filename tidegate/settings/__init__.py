"""What a person edits, and its types: read once, handed on in parts."""

from tidegate.settings.execution import ExecutionSettings, LimitSettings, PricingSettings, SizingSettings
from tidegate.settings.keys import keys_of
from tidegate.settings.loading import DEFAULT_PATH, load_settings
from tidegate.settings.model import Settings
from tidegate.settings.signals import (
    DedupSettings,
    IntakeSettings,
    MarketCheckSettings,
    SignalSettings,
    StrategySettings,
    ValidationSettings,
    WeightSettings,
)
from tidegate.settings.surroundings import JournalSettings, LoggingSettings, MarketSettings
from tidegate.settings.traders import FeeSettings, MarketRuleSettings, TraderSettings
from tidegate.settings.views import json_schema, masked, settings_hash

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
