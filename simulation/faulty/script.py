"""A script: which signals come, and everything that goes wrong. Drawn from a seed, or written by hand."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from domain.signal import Side
from simulation.faulty.mishap import Mishap

__all__ = ["Lag", "Planned", "Script"]


class Lag(Struct, frozen=True):
    """How late a venue may be, and what it says of that.

    A request is refused where it arrives more than `fence_s` after it left; None is no such fence. An order may stay
    hidden from lookups for `hidden_max_s`. `window_s` and `proves` are the settlement that the venue declares.
    """

    fence_s: float | None = 5.0
    hidden_max_s: float = 8.0
    window_s: float = 30.0
    proves: bool = True

    @property
    def is_as_declared(self) -> bool:
        """Whether nothing turns up after a settle window that is said to prove something."""
        return not self.proves or (self.fence_s is not None and self.fence_s + self.hidden_max_s < self.window_s)

    def __str__(self) -> str:
        fence = "are taken at any time" if self.fence_s is None else f"are refused after {self.fence_s:g} s"
        proof = "proves" if self.proves else "does not prove"
        return (
            f"requests {fence}, orders may be hidden for {self.hidden_max_s:g} s; "
            f"not found after {self.window_s:g} s {proof} that there is none"
        )


class Planned(Struct, frozen=True):
    """A signal that is sent `at_s` seconds after the beginning, under a key of its own."""

    key: str
    at_s: float
    symbol: str
    side: Side


class Script(Struct, frozen=True, kw_only=True):
    """Everything that happens in one world, beside what the pipeline does.

    With `power_cut`, a crash takes along what the disk was not told to keep; without, it kills the process only.
    """

    signals: Sequence[Planned]
    mishaps: Sequence[Mishap] = ()
    lag: Lag = Lag()
    power_cut: bool = False

    def __str__(self) -> str:
        signals = [f"{s.key}: {s.side} {s.symbol} after {s.at_s:g} s" for s in self.signals]
        crash = "a crash cuts the power" if self.power_cut else "a crash kills the process"
        return "\n".join([*signals, *map(str, self.mishaps), str(self.lag), crash])
