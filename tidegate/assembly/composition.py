"""What a program composes into the pipeline of its settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from operators import Rules
from streams.checks.check import ExecutionChecks
from streams.own_executions import Executions
from streams.published import Published
from tidegate.domain.ports import Fold

__all__ = ["AS_CONFIGURED", "Composition"]


class Composition(Struct, frozen=True):
    """Entry rules, execution checks and cycles made of the default ones, folds, and the streams to publish to.

    None leaves the default as it is. `folds` take in all events ever committed, from their images in the journal, and
    all to come.
    """

    rules: Rules | None = None
    checks: Callable[[ExecutionChecks], ExecutionChecks] | None = None
    executions: Executions | None = None
    folds: Sequence[Fold] = ()
    published: Published | None = None


AS_CONFIGURED = Composition()
"""Nothing of one's own."""
