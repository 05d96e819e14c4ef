"""What is done to a run, and where, as it is written on a command line: `17`, `17+23`, `cancel:9`."""

from __future__ import annotations

from msgspec import Struct

from tidegate.torture.faulty.points import Act, Points

__all__ = ["CrashPlan"]


class CrashPlan(Struct, frozen=True):
    """Up to two acts, by the number of their point. Places where a task waits are counted apart from the others."""

    acts: tuple[tuple[int, Act], ...] = ()

    @classmethod
    def parse(cls, text: str) -> CrashPlan:
        """Parse a plan from `text`; a number alone kills.

        Raises:
            ValueError: it is no plan.
        """
        acts = []
        for part in text.split("+"):
            act, _, number = part.rpartition(":")
            if not number.isdigit() or not int(number):
                raise ValueError(f"a point is written as 17, 17+23 or cancel:9, was {text!r}")
            try:
                acts.append((int(number), Act(act or Act.KILL)))
            except ValueError:
                raise ValueError(f"what is done must be one of {', '.join(Act)}, was {act}") from None
        return cls(tuple(sorted(acts)))

    def __str__(self) -> str:
        return "+".join(str(number) if act is Act.KILL else f"{act}:{number}" for number, act in self.acts)

    def points(self) -> Points:
        """The points of a run of this plan, none reached yet."""
        return Points(dict(self.acts), awaits=any(act is Act.CANCEL for _, act in self.acts))
