"""The world around a pipeline: its time, what is due in it, what goes wrong; it outlives the pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush

from tidegate.clock import Clock, VirtualLoop
from tidegate.torture.faulty.fault import AT_A_TIME, VenueFault, VenueFaultKind
from tidegate.torture.faulty.ledger import FaultyLedger
from tidegate.torture.faulty.points import Points
from tidegate.torture.faulty.script import Script

__all__ = ["FaultyWorld"]


class FaultyWorld:
    """Time and faults over all restarts of a pipeline, each with a loop of its own.

    The world's time and its machine's steady clock continue while a process is suspended, its loop does not. The wall
    clock may be set wrong: `wall_off` says from when on, and by how much. What is due happens on the loop of the
    current process; nothing that counts is due after `awaited_ns`. `struck` counts the faults that occurred, by kind.
    Memory: what is due, and how the clock was set.
    """

    def __init__(self, script: Script, points: Points, *, start_ns: int) -> None:
        self.script, self.points, self.start_ns = script, points, start_ns
        self.ledger = FaultyLedger()
        self.struck: Counter[VenueFaultKind] = Counter()
        self.believed: Callable[[], int] = lambda: 0
        self.clock: Clock
        self._loop: VirtualLoop
        self._ahead_ns = start_ns  # of the loop's time
        self._wall_off_ns = 0
        self.wall_off: list[tuple[int, int]] = [(start_ns, 0)]
        self.awaited_ns = self.history = 0
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._added = 0
        self._nth = {(m.kind, m.trader, m.nth): m for m in script.venue_faults if m.kind not in AT_A_TIME}

    def enter(self, loop: VirtualLoop) -> Clock:
        """Begin a life on a loop that was not run yet, at the time it is; gives the process's clock."""
        if hasattr(self, "_loop"):
            self._ahead_ns = self.now_ns()
        self._loop = loop
        self.history += 1
        self.clock = Clock(loop, epoch_ns=self.wall_ns() - self.now_ns(), steady_ns=self.now_ns, wall_ns=self.wall_ns)
        self._arm()
        return self.clock

    def now_ns(self) -> int:
        """The true time, in nanoseconds UTC."""
        return self._ahead_ns + self._loop.time_ns()

    def wall_ns(self) -> int:
        """What the wall clock of the machine shows."""
        return self.now_ns() + self._wall_off_ns

    def plan(self, venue_fault: VenueFault) -> None:
        """Let one more thing go wrong with the nth of something."""
        self._nth[venue_fault.kind, venue_fault.trader, venue_fault.nth] = venue_fault

    def due_fault(self, kind: VenueFaultKind, nth: int, trader: str = "") -> VenueFault | None:
        """The fault due for the nth operation of a kind now, if any; it is counted."""
        venue_fault = self._nth.get((kind, trader, nth))
        if venue_fault is not None:
            self.struck[kind] += 1
        return venue_fault

    def at(self, at_ns: int, fn: Callable[[], None]) -> None:
        """Do `fn` at a true time, whether a process lives then or not."""
        self._added += 1
        heappush(self._due, (at_ns, self._added, fn))
        if self._due[0][2] is fn:
            self._arm()

    def after(self, seconds: float, fn: Callable[[], None]) -> None:
        """Do `fn` after so many seconds, whether a process lives then or not."""
        self.at(self.now_ns() + int(seconds * 1e9), fn)

    def await_after(self, seconds: float, fn: Callable[[], None]) -> None:
        """Do `fn` after so many seconds; the world is not over before."""
        self.awaited_ns = max(self.awaited_ns, self.now_ns() + int(seconds * 1e9))
        self.after(seconds, fn)

    def note(self, what: str) -> None:
        """Note what happened at a venue, for the story of the run."""
        self.ledger.news.append((self.now_ns(), what))

    async def pause(self, seconds: float) -> None:
        """Let true time pass, in the life that is on."""
        loop = self._loop
        over = loop.create_future()

        def wake() -> None:
            if self._loop is loop and not over.done():
                over.set_result(None)

        self.after(seconds, wake)
        await over

    def suspend(self, seconds: float) -> None:
        """Suspend the process while time continues."""
        self._ahead_ns += int(seconds * 1e9)
        self._arm()

    def set_wall(self, seconds: float) -> None:
        """Set the machine's clock forward, or back."""
        self._wall_off_ns += int(seconds * 1e9)
        self.wall_off.append((self.now_ns(), self._wall_off_ns))

    def _arm(self) -> None:
        if self._due:
            loop = self._loop
            loop.call_at_ns(self._due[0][0] - self._ahead_ns, self._happen, loop)

    def _happen(self, loop: VirtualLoop) -> None:
        if loop is not self._loop:
            return
        now_ns = self.now_ns()
        happened = False
        while self._due and self._due[0][0] <= now_ns:
            happened = True
            heappop(self._due)[2]()
        if happened:
            self._arm()
