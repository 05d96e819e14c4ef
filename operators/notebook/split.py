"""The two ways verdicts go at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar, cast

from reactivex import Observable
from reactivex import operators as rx

from tidegate.domain.signal import Reply, Signal
from tidegate.domain.verdict import Refusal, Score, Verdict

__all__ = ["AcceptedVerdict", "RefusedVerdict", "Split", "only_accepted", "only_refused"]

_Half = TypeVar("_Half", covariant=True)


class AcceptedVerdict(Protocol):
    """A verdict without refusal, as it leaves `only_accepted`: no rule can take it."""

    @property
    def signal(self) -> Signal:
        """The signal."""
        ...

    @property
    def at_ns(self) -> int:
        """When it was judged, in nanoseconds UTC."""
        ...

    @property
    def score(self) -> Score | None:
        """What we make of it."""
        ...

    @property
    def reply(self) -> Reply | None:
        """How to answer its sender."""
        ...


class RefusedVerdict(AcceptedVerdict, Protocol):
    """A verdict with its refusal, as it leaves `only_refused`: no rule can take it."""

    @property
    def refusal(self) -> Refusal:
        """Why it was refused."""
        ...


class Split(Generic[_Half]):
    """An operator that drops some verdicts. It is no `Stage`: among rules, what it drops would never be recorded."""

    def __init__(self, name: str, keep: Callable[[Verdict], bool]) -> None:
        self.name, self._keep = name, keep

    def __call__(self, source: Observable[Verdict]) -> Observable[_Half]:
        """The verdicts of `source` that go this way."""
        return cast("Observable[_Half]", source.pipe(rx.filter(self._keep)))


def only_accepted() -> Split[AcceptedVerdict]:
    """Let only the verdicts pass that no rule refused.

        -a--W--b-|          W is refused
        -a-----b-|

    For the end of a pipe in a notebook. What comes out has a type of its own, which mypy does not take for a `Stage`,
    and the live pipeline does not take it among its rules.

    Emits when:      upstream emits a verdict without refusal.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """
    return Split("only_accepted", lambda verdict: verdict.refusal is None)


def only_refused() -> Split[RefusedVerdict]:
    """Let only the verdicts pass that were refused.

        -a--W--b-|          W is refused
        ----W----|

    For the end of a pipe in a notebook, as `only_accepted` is.

    Emits when:      upstream emits a verdict with a refusal.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """
    return Split("only_refused", lambda verdict: verdict.refusal is not None)
