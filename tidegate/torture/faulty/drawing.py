"""Scripts drawn from a seed: the same seed gives the same script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from msgspec.structs import replace

from tidegate.domain.signal import OrderType, Side
from tidegate.torture.faulty.fault import OF_A_SEND, VenueFault, VenueFaultKind
from tidegate.torture.faulty.script import FeesIn, Lag, Planned, Script

__all__ = ["draw"]

_SIGNALS = (1, 2, 3, 3, 4, 4)
_ORDERS = 3
_QUESTIONS = 6
_SIGNALS_WITHIN_S = 45.0
_FAULTS_WITHIN_S = 90.0
_CYCLE, _SLEEPS = 12, 5

_SENDS = {
    VenueFaultKind.REPLY_LOST: 6,
    VenueFaultKind.REQUEST_LOST: 3,
    VenueFaultKind.DELIVERED_LATE: 3,
    VenueFaultKind.REPLY_LATE: 2,
    VenueFaultKind.RAISED: 1,
    VenueFaultKind.NEVER_SENT: 1,
    VenueFaultKind.REJECTED: 2,
    VenueFaultKind.RATE_LIMITED: 1,
    VenueFaultKind.BANNED: 1,
    VenueFaultKind.MAINTENANCE: 1,
    VenueFaultKind.MARKET_CLOSED: 1,
    VenueFaultKind.CLOCK_SKEW: 1,
}
"""The faults of a send, with their weights."""

_CHANCES: dict[VenueFaultKind, tuple[float, float, float]] = {
    VenueFaultKind.CANCELED: (0.15, 1, 20),
    VenueFaultKind.FILLED: (0.15, 1, 150),
    VenueFaultKind.LOOKUP_FAILS: (0.2, 0, 0),
    VenueFaultKind.LOOKUP_STALE: (0.15, 1, 9),
    VenueFaultKind.LISTING_FAILS: (0.08, 0, 0),
    VenueFaultKind.LISTING_STALE: (0.2, 1, 9),
    VenueFaultKind.PAGE_MISSING: (0.06, 0, 3),
    VenueFaultKind.UPDATE_LOST: (0.25, 0, 0),
    VenueFaultKind.UPDATE_TWICE: (0.25, 0, 0),
    VenueFaultKind.DISK_FAILS: (0.06, 1, 3),
    VenueFaultKind.DISK_SLOW: (0.06, 1, 4),
    VenueFaultKind.REDELIVERED: (0.3, 0, 60),
    VenueFaultKind.RESPELLED: (0.15, 0, 60),
    VenueFaultKind.MUTATED: (0.2, 0, 60),
    VenueFaultKind.FLOOD: (0.05, 0, 2),
    VenueFaultKind.AWAY: (0.2, 5, 40),
    VenueFaultKind.RULES_CHANGED: (0.1, 0, 0),
    VenueFaultKind.FOREIGN_ORDER: (0.2, 0, 60),
    VenueFaultKind.FOREIGN_TRADE: (0.08, 0, 0),
    VenueFaultKind.DEPOSIT: (0.08, 0, 0),
    VenueFaultKind.WITHDRAWAL: (0.05, 0, 0),
    VenueFaultKind.THIN_BOOK: (0.3, 20, 60),
    VenueFaultKind.GAP: (0.12, 5, 50),
    VenueFaultKind.SUSPENDED: (0.1, 2, 150),
    VenueFaultKind.WALL_STEPPED: (0.08, -40, 40),
    VenueFaultKind.WALL_GLITCH: (0.08, -3600, 3600),
    VenueFaultKind.COMPARED: (0.3, 0, 0),
    VenueFaultKind.HALTED: (0.12, 5, 40),
}
"""How likely each of the others is, and for how many seconds, from and to."""

_OF_AN_ORDER = (
    VenueFaultKind.CANCELED,
    VenueFaultKind.FILLED,
    VenueFaultKind.LOOKUP_FAILS,
    VenueFaultKind.LOOKUP_STALE,
    VenueFaultKind.UPDATE_LOST,
    VenueFaultKind.UPDATE_TWICE,
)
_OF_A_LISTING = (VenueFaultKind.LISTING_FAILS, VenueFaultKind.LISTING_STALE, VenueFaultKind.PAGE_MISSING)
_OF_AN_ACCOUNT = (VenueFaultKind.AWAY, VenueFaultKind.RULES_CHANGED)
_OF_STRANGERS = (
    VenueFaultKind.FOREIGN_ORDER,
    VenueFaultKind.FOREIGN_TRADE,
    VenueFaultKind.DEPOSIT,
    VenueFaultKind.WITHDRAWAL,
)
_OF_ALL = (
    VenueFaultKind.THIN_BOOK,
    VenueFaultKind.GAP,
    VenueFaultKind.SUSPENDED,
    VenueFaultKind.WALL_STEPPED,
    VenueFaultKind.WALL_GLITCH,
    VenueFaultKind.COMPARED,
    VenueFaultKind.HALTED,
)

_LAGS = {
    0: Lag(hidden_max_s=24),
    1: Lag(trades_s=20),
    2: Lag(hidden_max_s=24),
    3: Lag(fence_s=None, hidden_max_s=8, proves=False),
    5: Lag(fence_s=None, hidden_max_s=60, proves=False),
    6: Lag(hidden_max_s=24),
    8: Lag(fence_s=5, hidden_max_s=0),
    9: Lag(hidden_max_s=24, trades_s=70),
    11: Lag(fence_s=None, hidden_max_s=60, proves=True),
}
"""Venues that are not as good as most, by the seed's place in a cycle of twelve; the last one says what is not so."""

_RESTS = {"side": Side.BUY, "price": 0.8, "quantity": 0.5, "order_type": None, "stamped": False}
_WAKING = frozenset(
    {VenueFaultKind.HALTED, VenueFaultKind.DISK_FAILS, VenueFaultKind.DISK_SLOW, VenueFaultKind.SUSPENDED}
)
"""What would keep orders from resting before the machine falls asleep."""
_FIRST = frozenset({*OF_A_SEND, VenueFaultKind.HIDDEN})
_TIMEOUT_S = 10.0
_SLEEP_S = 7_000.0
"""Longer than a listing looks back: what rests for so long is never listed again once it is over."""


def draw(seed: int, *, symbols: Sequence[str], traders: Sequence[str]) -> Script:
    """The script of a seed, for accounts that trade these symbols."""
    random = Random(seed)  # noqa: S311 - draws a script, guards nothing
    lag = _LAGS.get(seed % _CYCLE, Lag())
    signals = list(_signals(random, symbols[:2]))
    venue_faults = [venue_fault for trader in traders for venue_fault in _of_account(random, trader, lag)]
    if lag.hidden_max_s > _TIMEOUT_S:
        venue_faults = [m for m in venue_faults if m.nth != 1 or m.kind not in _FIRST] + list(
            _unseen(random, traders, lag)
        )
    for kind in (VenueFaultKind.REDELIVERED, VenueFaultKind.RESPELLED, VenueFaultKind.MUTATED, VenueFaultKind.FLOOD):
        venue_faults += [m for nth in range(1, len(signals) + 1) for m in _maybe(random, kind, nth=nth)]
    for kind in (VenueFaultKind.DISK_FAILS, VenueFaultKind.DISK_SLOW):
        venue_faults += [m for nth in range(2, 14) for m in _maybe(random, kind, nth=nth)]
    for kind in _OF_ALL:
        venue_faults += _maybe(random, kind, at_s=_moment(random))
    if seed % _SLEEPS == _SLEEPS - 1:
        venue_faults = [m for m in venue_faults if m.kind not in _WAKING]
        signals[0] = replace(signals[0], at_s=signals[0].at_s / 3, **_RESTS)
        venue_faults += _rest(random, traders)
    return Script(
        signals=tuple(signals),
        venue_faults=tuple(venue_faults),
        lag=lag,
        power_cut=random.random() < 0.5,
        fees_in=tuple(FeesIn)[seed % len(FeesIn)],
        pushes=random.random() < 0.5,
        orders_per_10s=random.choice([0, 0, 1, 2]),
        positions_max=random.choice([0, 0, 0, 1]),
        images=random.random() < 0.5,
    )


def _signals(random: Random, symbols: Sequence[str]) -> Iterator[Planned]:
    """Most of what is sold was bought before; the rest, and what asks for too much, has to be refused."""
    bought: list[Planned] = []
    for number in range(1, random.choice(_SIGNALS) + 1):
        at_s, symbol, side = random.uniform(0, _SIGNALS_WITHIN_S), random.choice(symbols), Side.BUY
        if bought and random.random() < 0.65:
            buying = random.choice(bought)
            at_s, symbol, side = buying.at_s + random.uniform(30, 55), buying.symbol, Side.SELL
        elif random.random() < 0.08:
            side = Side.SELL
        planned = Planned(
            key=f"s{number}",
            at_s=round(at_s, 3),
            symbol=symbol,
            side=side,
            price=_price(random, side),
            quantity=random.choice([None, None, None, None, 0.5, 0.25, 1.4, 3.0 if side is Side.SELL else 0.6]),
            order_type=random.choice([None, None, OrderType.MARKET]),
            stamped=random.random() < 0.15,
        )
        if random.random() < 0.05:
            planned = replace(planned, quantity=30.0)
        elif planned.side is Side.BUY:
            bought.append(planned)
        yield planned


def _price(random: Random, side: Side) -> float | None:
    """None for the market's; else one that trades at once, or one that rests."""
    chance = random.random()
    if chance < 0.7:
        return None
    if chance < 0.85:
        return 1.05 if side is Side.BUY else 0.95
    return 0.8 if side is Side.BUY else 1.25


def _of_account(random: Random, trader: str, lag: Lag) -> Iterator[VenueFault]:
    late_s = 8.0 if lag.fence_s is not None else lag.hidden_max_s
    for nth in range(1, _ORDERS + 1):
        if random.random() < 0.6:
            (kind,) = random.choices(list(_SENDS), list(_SENDS.values()))
            seconds = random.uniform(1, late_s if kind is VenueFaultKind.DELIVERED_LATE else 9)
            yield VenueFault(kind=kind, nth=nth, seconds=round(seconds, 3), trader=trader)
        if lag.hidden_max_s and random.random() < 0.5:
            hidden_s = random.uniform(lag.hidden_max_s / 4, lag.hidden_max_s)
            yield VenueFault(kind=VenueFaultKind.HIDDEN, nth=nth, seconds=round(hidden_s, 3), trader=trader)
        for kind in _OF_AN_ORDER:
            yield from _maybe(random, kind, nth=nth, trader=trader)
    for nth in range(1, _QUESTIONS + 1):
        for kind in _OF_A_LISTING:
            yield from _maybe(random, kind, nth=nth, trader=trader)
    for kind in _OF_AN_ACCOUNT:
        yield from _maybe(random, kind, at_s=_moment(random), trader=trader)
    for kind in _OF_STRANGERS:
        for venue_fault in _maybe(random, kind, at_s=random.choice([0.0, _moment(random)]), trader=trader):
            stays = kind is VenueFaultKind.FOREIGN_ORDER and random.random() < 0.5
            yield replace(venue_fault, seconds=0.0) if stays else venue_fault


def _rest(random: Random, traders: Sequence[str]) -> Iterator[VenueFault]:
    """Orders rest while the machine sleeps for hours, and trade, or end, some time after it woke."""
    asleep_s = round(random.uniform(60, 100), 3)
    yield VenueFault(kind=VenueFaultKind.SUSPENDED, at_s=asleep_s, seconds=_SLEEP_S)
    for trader in traders:
        kind = random.choice([VenueFaultKind.SWEPT, VenueFaultKind.SWEPT, VenueFaultKind.WIPED])
        yield VenueFault(kind=kind, at_s=round(asleep_s + _SLEEP_S + random.uniform(70, 150), 3), trader=trader)


def _unseen(random: Random, traders: Sequence[str], lag: Lag) -> Iterator[VenueFault]:
    """The first order of each account is taken, its reply lost, and it shows when it was looked for already: where that
    may be, when the settle window is over."""
    begins_s = lag.window_s * 1.5 if lag.hidden_max_s > lag.window_s else _TIMEOUT_S + 2
    for trader in traders:
        shown_s = round(random.uniform(begins_s, lag.hidden_max_s), 3)
        if lag.fence_s is None and random.random() < 0.5:
            yield VenueFault(kind=VenueFaultKind.DELIVERED_LATE, nth=1, seconds=shown_s, trader=trader)
        else:
            yield VenueFault(kind=VenueFaultKind.REPLY_LOST, nth=1, trader=trader)
            yield VenueFault(kind=VenueFaultKind.HIDDEN, nth=1, seconds=shown_s, trader=trader)


def _maybe(
    random: Random, kind: VenueFaultKind, *, nth: int = 0, at_s: float = 0, trader: str = ""
) -> Iterator[VenueFault]:
    chance, shortest_s, longest_s = _CHANCES[kind]
    if random.random() < chance:
        seconds = round(random.uniform(shortest_s, longest_s), 3)
        yield VenueFault(kind=kind, nth=nth, at_s=at_s, seconds=seconds, trader=trader)


def _moment(random: Random) -> float:
    return round(random.uniform(0, _FAULTS_WITHIN_S), 3)
