"""Opening a source of signals by its name."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeAlias

from reactivex import Observable

from streams.inbox import as_stamped, given_room
from tidegate.clock import Clock
from tidegate.domain.signal import Raw
from tidegate.sources.signal_lines import read_signals
from tidegate.sources.standard_input import read_lines

__all__ = ["STANDARD_INPUT", "SignalSource", "open_source"]

STANDARD_INPUT = "-"

Depth: TypeAlias = Callable[[], int]


@dataclass(frozen=True, slots=True)
class SignalSource:
    """Signals from outside, opened and not read yet.

    `signals(depth, depth_max)` reads them, and lets none in while `depth_max` signals are under way; subscribe once.
    `numbers` gives the number of each line as it comes.
    """

    name: str
    numbers: Iterator[int]
    signals: Callable[[Depth, int], Observable[Raw]]


def open_source(name: str, *, clock: Clock, recorded: bool = False) -> SignalSource:
    """Open the source of signals of a name: `-` is standard input, anything else a file of JSON lines.

    Standard input is followed until it is closed; its blank lines have no number. A file is read as fast as there is
    room, or, if `recorded`, each signal at the time of its timestamp.

    Raises:
        SettingsError: the file cannot be opened.
    """
    if name == STANDARD_INPUT:
        lines = open(sys.stdin.fileno(), "rb", closefd=False)  # noqa: SIM115 - at its end Python needs sys.stdin's lock
        return SignalSource(
            "standard input",
            count(1),
            lambda depth, depth_max: read_lines(lines, depth=depth, depth_max=depth_max, clock=clock),
        )
    numbers: deque[int] = deque()
    payloads = read_signals(Path(name), numbered=numbers.append)
    let_in = as_stamped if recorded else given_room
    return SignalSource(
        name,
        iter(numbers.popleft, 0),
        lambda depth, depth_max: let_in(payloads, clock=clock, depth=depth, depth_max=depth_max),
    )
