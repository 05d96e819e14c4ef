"""What surrounds the pipeline: the journal it writes, the market it watches, the log."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tidegate.settings.values import Count, FileSize, JournalUrl, Section

__all__ = [
    "JournalSettings",
    "LoggingSettings",
    "MarketSettings",
]


class JournalSettings(Section):
    """Where everything is recorded."""

    url: JournalUrl = "sqlite:///data/journal.db"
    """sqlite:/// and a path."""
    synchronous: Literal["full", "normal"] = "full"
    """`full` survives a power cut; `normal` may lose the last commits then, never on a crash of the program."""
    group_max: Count = 2048
    """Records committed together at most."""


class MarketSettings(Section):
    """Where candles come from."""

    source: Literal["simulated", "csv", "ccxt"] = "simulated"
    """`simulated`, `csv`: recordings, named by --candles, or `ccxt`: the first trader's exchange; always so live."""
    poll_s: Annotated[float, Field(gt=0)] = 2.0
    """Seconds from one look at a real exchange's prices to the next."""
    seed: int = 7
    """The same seed, the same simulated market."""
    history: Annotated[int, Field(ge=0)] = 200
    """Candles known at the start."""


class LoggingSettings(Section):
    """What is logged, and where."""

    level: Literal["TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """The least level that is logged."""
    json_file: str | None = "logs/tidegate.jsonl"
    """A file of JSON lines. null: none."""
    rotation: FileSize = "20 MB"
    """The file's size at which a new one is begun."""
    retention: Annotated[int, Field(ge=0)] = 5
    """Old files that are kept."""
