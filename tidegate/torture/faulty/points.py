"""Points of a run at which something can be done to it: found by running, in the order in which they are reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

__all__ = ["Act", "Killed", "OperationFailed", "Points"]


class Act(StrEnum):
    """What is done to a run at a point."""

    KILL = "kill"
    """The process is gone, from one instruction to the next."""
    FAIL = "fail"
    """What was about to be done fails, where it can."""
    STOP = "stop"
    """The process is asked to stop in an orderly way."""
    SUSPEND = "suspend"
    """The process is suspended for ten minutes."""
    HALT = "halt"
    """A person halts it, for a minute."""
    STEP = "step"
    """The machine's clock is set forward, and back after a minute and a half."""
    CANCEL = "cancel"
    """The task that waits here is cancelled."""


class Killed(SystemExit):
    """The process is gone. Nothing in it may catch this."""


class OperationFailed(Exception):
    """What was about to be done failed, because the plan says so."""


class Points:
    """Counts the points that are reached, and does at each what the plan says.

    A point is where something leaves the process or enters it: a commit, a send, a reply, a lookup, an alert, a
    receipt. With `awaits`, every place is one at which any task waits. Memory: a name for each point.
    """

    def __init__(self, plan: Mapping[int, Act] | None = None, *, awaits: bool = False) -> None:
        self.plan = plan or {}
        self.reached: list[str] = []
        self.awaits = awaits
        self.acted = 0
        self.stop: Callable[[], None] = lambda: None
        self.suspend: Callable[[], None] = lambda: None
        self.halt: Callable[[], None] = lambda: None
        self.step: Callable[[], None] = lambda: None

    def reach(self, name: str, *, can_fail: bool = True) -> None:
        """Be at a point.

        Raises:
            Killed: the plan says so.
            Failed: the plan says so, and here that is possible.
        """
        if self.awaits:
            return
        act = self._next(name)
        if act is None:
            return
        if act is Act.KILL:
            raise Killed(name)
        if act is Act.STOP:
            self.stop()
        elif act is Act.SUSPEND:
            self.suspend()
        elif act is Act.HALT:
            self.halt()
        elif act is Act.STEP:
            self.step()
        elif act is Act.FAIL and can_fail:
            raise OperationFailed(f"{name} fails, as planned")

    def reach_await(self, name: str) -> Act | None:
        """Be where a task waits; gives what is to be done to that task."""
        return self._next(name) if self.awaits else None

    @property
    def cancelled(self) -> bool:
        """Whether a task was cancelled, so that the pipeline may say that it cannot go on."""
        return bool(self.acted) and Act.CANCEL in self.plan.values()

    def _next(self, name: str) -> Act | None:
        self.reached.append(name)
        act = self.plan.get(len(self.reached))
        self.acted += act is not None
        return act
