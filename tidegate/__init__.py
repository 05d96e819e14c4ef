"""Tidegate: trading signals in, orders out, and a recorded reason for each of them.

What most programs need is here; everything is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tidegate.companions import find_beside

if TYPE_CHECKING:
    from streams.execution import ExecutionCycle as ExecutionCycle
    from tidegate.domain.reasons import Reason as Reason
    from tidegate.domain.verdict import Refusal as Refusal
    from tidegate.facade import SignalOrderPipeline as SignalOrderPipeline
    from tidegate.journal import open_journal as open_journal
    from tidegate.pipeline import Pipeline as Pipeline
    from tidegate.replay.replay import Replay as Replay

__all__ = ["ExecutionCycle", "Pipeline", "Reason", "Refusal", "Replay", "SignalOrderPipeline", "open_journal"]

_WHERE = {
    "ExecutionCycle": "streams.execution",
    "Pipeline": "tidegate.pipeline",
    "Reason": "tidegate.domain.reasons",
    "Refusal": "tidegate.domain.verdict",
    "Replay": "tidegate.replay.replay",
    "SignalOrderPipeline": "tidegate.facade",
    "open_journal": "tidegate.journal",
}

find_beside(Path(__file__).parents[1])


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
