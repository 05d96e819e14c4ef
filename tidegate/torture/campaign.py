"""Many runs: every script at every point, until a run passes untouched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Literal

from msgspec import Struct, field

from tidegate.domain.lifecycle import Outcome
from tidegate.torture.checker import judge
from tidegate.torture.faulty import draw
from tidegate.torture.faulty.points import Act
from tidegate.torture.faulty.script import Script
from tidegate.torture.history import TortureHistory, Violation
from tidegate.torture.plan import CrashPlan
from tidegate.torture.run import run
from tidegate.torture.setup import Setup

__all__ = ["Broken", "Crashes", "Tally", "plans_of", "torture"]

Crashes = Literal["every", "pairs"]


def _never(_: object) -> bool:
    return False


_BESIDES = (Act.FAIL, Act.SUSPEND, Act.CANCEL, Act.STOP, Act.HALT, Act.STEP, Act.STEP)  # no divisor of the lags'
_LOST = frozenset({"I1", "I5", "I8"})
_DUPLICATED = frozenset({"I2", "I3", "I6"})


class Broken(Struct, frozen=True):
    """A run that broke the promise."""

    seed: int
    point: str
    where: str
    violations: tuple[Violation, ...]


class Tally(Struct):
    """What came of all runs so far.

    `lost` and `duplicated` count the runs in which that happened to a signal; `parked` and `caught` count signals:
    those left to a person, and those of which a venue that is later than it says took a second order, which was said.
    """

    runs: int = 0
    crash_points: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    duplicated: int = 0
    parked: int = 0
    caught: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[Broken] = []

    def include(self, other: Tally) -> None:
        """Count the runs of another tally too."""
        for name in ("runs", "crash_points", "lost", "duplicated", "parked", "caught"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults.update(other.faults)
        self.outcomes.update(other.outcomes)
        self.failures += other.failures

    def add(self, seed: int, plan: CrashPlan, past: TortureHistory) -> None:
        """Count a run."""
        self.runs += 1
        self.crash_points += past.acted
        self.faults.update({kind.value: times for kind, times in past.struck.items()})
        judged = judge(past)
        self.parked += judged.outcomes[Outcome.PARKED]
        self.outcomes.update({outcome.value: times for outcome, times in judged.outcomes.items()})
        self.caught += judged.caught
        if violations := tuple(judged.violations):
            broken = {violation.invariant for violation in violations}
            self.lost += bool(broken & _LOST)
            self.duplicated += bool(broken & _DUPLICATED)
            where = ", ".join(past.reached[number - 1] for number, _ in plan.acts if number <= len(past.reached))
            self.failures.append(Broken(seed, str(plan), where, violations))


def torture(setup: Setup, seed: int, *, crashes: Crashes, enough: Callable[[Tally], bool] = _never) -> Tally:
    """Run the script of a seed at every point, or at every pair of points, and sum up.

    `every` kills at each point, and besides, by turns of seeds, lets each operation fail, suspends, stops or halts the
    process there, or cancels the waiting task. `pairs` kills twice, the second time anywhere after the first.
    `enough` is asked after each run, and ends it.
    """
    tally = Tally()
    script = draw(seed, symbols=setup.symbols, traders=setup.traders)
    acts = (Act.KILL, _BESIDES[seed % len(_BESIDES)]) if crashes == "every" else (Act.KILL,)
    for act in acts:
        for plan, past in plans_of(setup, script, act, crashes=crashes):
            tally.add(seed, plan, past)
            if enough(tally):
                return tally
    return tally


def plans_of(setup: Setup, script: Script, act: Act, *, crashes: Crashes) -> Iterator[tuple[CrashPlan, TortureHistory]]:
    """One run of a script for each point, or pair of points, and the one at last that passed untouched.

    How many there are is not known before: the points are those that the runs reach.
    """
    for first in count(1):
        plan = CrashPlan(((first, act),))
        past = run(setup, script, plan.points())
        yield plan, past
        if not past.acted:
            return
        if crashes == "pairs":
            for second in range(first + 1, len(past.reached) + 1):
                twice = CrashPlan(((first, act), (second, act)))
                yield twice, run(setup, script, twice.points())
