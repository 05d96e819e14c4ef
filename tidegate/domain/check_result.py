"""The result of a check: how its subject is, and what helps."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

__all__ = ["CheckResult", "Health", "blocking"]


class Health(StrEnum):
    """How something is: an error keeps signals from being executed, a warning may."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class CheckResult(Struct, frozen=True):
    """The result of checking one subject; if it is not ok, `fix` says what helps."""

    subject: str
    verdict: Health
    says: str
    fix: str = ""


def blocking(findings: Iterable[CheckResult]) -> list[CheckResult]:
    """Those that keep signals from being executed."""
    return [finding for finding in findings if finding.verdict is Health.ERROR]
