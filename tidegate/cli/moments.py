"""Moments as people type them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from tidegate.domain.timeframe import parse_timeframe

__all__ = ["moment_ns"]


def moment_ns(text: str) -> int:
    """`10m` or `2h` ago, or a moment in ISO 8601; UTC where no zone is named. In nanoseconds UTC."""
    try:
        return time.time_ns() - parse_timeframe(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"must be like 10m, 2h or 2018-01-11T08:00, was {text}") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000) * 1_000_000
