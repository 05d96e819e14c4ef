"""Scripts drawn from a seed: the same seed gives the same script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from domain.signal import Side
from simulation.faulty.mishap import OF_A_SEND, Kind, Mishap
from simulation.faulty.script import Lag, Planned, Script

__all__ = ["draw"]

_SIGNALS_MAX = 3
_ORDERS = 3
_SIGNALS_WITHIN_S = 45.0
_MISHAPS_WITHIN_S = 90.0
_CYCLE = 12

_SENDS = {
    Kind.REPLY_LOST: 6,
    Kind.REQUEST_LOST: 3,
    Kind.DELIVERED_LATE: 3,
    Kind.REPLY_LATE: 2,
    Kind.RAISED: 1,
    Kind.NEVER_SENT: 1,
    Kind.REJECTED: 2,
    Kind.RATE_LIMITED: 1,
    Kind.BANNED: 1,
    Kind.MAINTENANCE: 1,
    Kind.MARKET_CLOSED: 1,
    Kind.CLOCK_SKEW: 1,
}
"""What becomes of a send on which something goes wrong, with its weight."""

_CHANCES: dict[Kind, tuple[float, float, float]] = {
    Kind.CANCELED: (0.15, 1, 20),
    Kind.LOOKUP_FAILS: (0.25, 0, 0),
    Kind.LISTING_FAILS: (0.15, 0, 0),
    Kind.UPDATE_LOST: (0.25, 0, 0),
    Kind.UPDATE_TWICE: (0.25, 0, 0),
    Kind.DISK_FAILS: (0.06, 1, 3),
    Kind.DISK_SLOW: (0.06, 1, 4),
    Kind.REDELIVERED: (0.35, 0, 60),
    Kind.MUTATED: (0.15, 0, 60),
    Kind.FLOOD: (0.05, 0, 2),
    Kind.AWAY: (0.2, 5, 40),
    Kind.RULES_CHANGED: (0.1, 0, 0),
    Kind.THIN_BOOK: (0.3, 20, 60),
    Kind.GAP: (0.15, 5, 50),
    Kind.SUSPENDED: (0.12, 2, 150),
    Kind.WALL_STEPPED: (0.12, -40, 40),
    Kind.HALTED: (0.12, 5, 40),
}
"""How likely each of the others is, and for how many seconds, from and to."""

_STRANGE_LAGS = {
    3: Lag(fence_s=None, hidden_max_s=8, proves=False),
    5: Lag(fence_s=None, hidden_max_s=60, proves=False),
    8: Lag(fence_s=5, hidden_max_s=0),
    11: Lag(fence_s=None, hidden_max_s=60, proves=True),
}
"""Venues that are not as good as most, by the seed's place in a cycle of twelve; the last one says what is not so."""

_FIRST = frozenset({*OF_A_SEND, Kind.HIDDEN})


def draw(seed: int, *, symbols: Sequence[str], traders: Sequence[str]) -> Script:
    """The script of a seed, for accounts that trade these symbols."""
    random = Random(seed)  # noqa: S311 - draws a script, guards nothing
    lag = _STRANGE_LAGS.get(seed % _CYCLE, Lag())
    signals = [
        Planned(
            key=f"s{number}",
            at_s=round(random.uniform(0, _SIGNALS_WITHIN_S), 3),
            symbol=random.choice(symbols[:2]),
            side=random.choice([Side.BUY, Side.BUY, Side.SELL]),
        )
        for number in range(1, random.randint(1, _SIGNALS_MAX) + 1)
    ]
    mishaps = [mishap for trader in traders for mishap in _of_account(random, trader, lag)]
    if lag.hidden_max_s > lag.window_s:
        mishaps = [m for m in mishaps if m.nth != 1 or m.kind not in _FIRST] + list(_beyond(random, traders, lag))
    for kind in (Kind.REDELIVERED, Kind.MUTATED, Kind.FLOOD):
        mishaps += [m for nth in range(1, len(signals) + 1) for m in _maybe(random, kind, nth=nth)]
    for kind in (Kind.DISK_FAILS, Kind.DISK_SLOW):
        mishaps += [m for nth in range(2, 14) for m in _maybe(random, kind, nth=nth)]
    for kind in (Kind.THIN_BOOK, Kind.GAP, Kind.SUSPENDED, Kind.WALL_STEPPED, Kind.HALTED):
        mishaps += _maybe(random, kind, at_s=_moment(random))
    return Script(signals=tuple(signals), mishaps=tuple(mishaps), lag=lag, power_cut=random.random() < 0.5)


def _of_account(random: Random, trader: str, lag: Lag) -> Iterator[Mishap]:
    late_s = 8.0 if lag.fence_s is not None else lag.hidden_max_s
    for nth in range(1, _ORDERS + 1):
        if random.random() < 0.6:
            (kind,) = random.choices(list(_SENDS), list(_SENDS.values()))
            seconds = random.uniform(1, late_s if kind is Kind.DELIVERED_LATE else 9)
            yield Mishap(kind=kind, nth=nth, seconds=round(seconds, 3), trader=trader)
        if lag.hidden_max_s and random.random() < 0.5:
            hidden_s = random.uniform(lag.hidden_max_s / 4, lag.hidden_max_s)
            yield Mishap(kind=Kind.HIDDEN, nth=nth, seconds=round(hidden_s, 3), trader=trader)
        for kind in (Kind.CANCELED, Kind.LOOKUP_FAILS, Kind.LISTING_FAILS, Kind.UPDATE_LOST, Kind.UPDATE_TWICE):
            yield from _maybe(random, kind, nth=nth, trader=trader)
    for kind in (Kind.AWAY, Kind.RULES_CHANGED):
        yield from _maybe(random, kind, at_s=_moment(random), trader=trader)


def _beyond(random: Random, traders: Sequence[str], lag: Lag) -> Iterator[Mishap]:
    """The first order of each account is taken, its reply lost, and it shows when the settle window is over."""
    for trader in traders:
        shown_s = round(random.uniform(lag.window_s * 1.5, lag.hidden_max_s), 3)
        if random.random() < 0.5:
            yield Mishap(kind=Kind.DELIVERED_LATE, nth=1, seconds=shown_s, trader=trader)
        else:
            yield Mishap(kind=Kind.REPLY_LOST, nth=1, trader=trader)
            yield Mishap(kind=Kind.HIDDEN, nth=1, seconds=shown_s, trader=trader)


def _maybe(random: Random, kind: Kind, *, nth: int = 0, at_s: float = 0, trader: str = "") -> Iterator[Mishap]:
    chance, shortest_s, longest_s = _CHANCES[kind]
    if random.random() < chance:
        seconds = round(random.uniform(shortest_s, longest_s), 3)
        yield Mishap(kind=kind, nth=nth, at_s=at_s, seconds=seconds, trader=trader)


def _moment(random: Random) -> float:
    return round(random.uniform(0, _MISHAPS_WITHIN_S), 3)
