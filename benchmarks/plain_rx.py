"""A plain RxPY chain: one operator for each step, `flat_map` for placing, every step recorded before the next.

It does what the pipeline's happy path does, as one would write it at first: groups are buffers, and a group is
committed when its signals are received, when their orders are intended, and when these are placed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

import msgspec
import reactivex as rx
from msgspec import Struct
from reactivex import Observable, Subject
from reactivex import operators as ops

from benchmarks.bare_journal import BareJournal
from benchmarks.load import FOUR, Arrivals, Schedule, signal_lines
from benchmarks.runs import Offered, TimedRun, stopwatch
from tidegate.clock import Clock

__all__ = ["PlainRx"]

_HOUR_MS = 3_600_000
_TOGETHER_S, _TOGETHER_MAX = 0.001, 256
_ASK, _BID, _LOT, _NOTIONAL, _FEE = Decimal("100.02"), Decimal(100), Decimal("0.00001"), Decimal(100), Decimal("0.001")


class _PlainSignal(Struct):
    symbol: str
    side: str
    strength: float
    confidence: float
    timestamp: int
    source: str
    key: str


class _PlainOrder(Struct):
    raw: bytes
    line: _PlainSignal
    key: bytes = b""
    score: float = 0.0
    number: int = 0
    client_order_id: str = ""
    amount: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)


_Step = Callable[[Observable[_PlainOrder]], Observable[_PlainOrder]]


class PlainRx:
    """The chain, over a new journal. Everything is called on the running loop."""

    def __init__(self, path: Path, *, group: int | None = None) -> None:
        """`group` signals go together; None: those of a millisecond."""
        clock = Clock.live(asyncio.get_running_loop())
        self._journal = BareJournal(path)
        self._on_event: Callable[[str], None] = lambda _: None
        self._source: Subject[bytes] = Subject()
        self._wanted, self._reached = 0, asyncio.get_running_loop().create_future()
        self.placed = 0

        def recorded(record: Callable[[Sequence[_PlainOrder]], None]) -> _Step:
            def stage(source: Observable[_PlainOrder]) -> Observable[_PlainOrder]:
                groups = (
                    ops.buffer_with_time_or_count(_TOGETHER_S, _TOGETHER_MAX, scheduler=clock)(source)
                    if group is None
                    else ops.buffer_with_count(group)(source)
                )
                return groups.pipe(ops.filter(bool), ops.do_action(record), ops.flat_map(_each))

            return stage

        received = self._source.pipe(
            ops.map(_read), ops.filter(_followed), ops.filter(_fresh), ops.filter(_strong), ops.map(_identified)
        )
        intended = received.pipe(
            ops.map(_scored), recorded(self._accept), ops.map(_sized), ops.map(_named), recorded(self._intend)
        )
        placed = intended.pipe(ops.flat_map(_placing), recorded(self._settle))
        self._chain = placed.subscribe(self._count)

    async def in_groups(self, lines: Sequence[bytes], group: int) -> TimedRun:
        """One group after the other; the number of lines is a multiple of `group`."""
        with stopwatch() as watch:
            for at in range(0, len(lines), group):
                for line in lines[at : at + group]:
                    self._source.on_next(line)
                await self._placed(at + group)
        return TimedRun(signals=len(lines), wall_s=watch.wall_s, cpu_s=watch.cpu_s, commits=self._journal.commits)

    async def offered(self, schedule: Schedule) -> Offered:
        """Signals as they arrive."""
        lines = signal_lines(schedule.count)
        moments_ns: dict[str, list[int]] = {"accepted": [], "placed": []}

        def on_event(kind: str) -> None:
            moments_ns[kind].append(arrivals.since_ns - schedule.at_ns(len(moments_ns[kind])))

        self._on_event = on_event

        def hand_over(numbers: range) -> None:
            for line in lines[numbers.start : numbers.stop]:
                self._source.on_next(line)

        arrivals = Arrivals(schedule, hand_over)
        await self._placed(schedule.count)
        return Offered(acknowledged_ns=moments_ns["accepted"], ordered_ns=moments_ns["placed"])

    def close(self) -> None:
        """Close the journal."""
        self._chain.dispose()
        self._journal.close()

    def _accept(self, orders: Sequence[_PlainOrder]) -> None:
        for order, number in zip(orders, self._journal.numbers(len(orders)), strict=True):
            order.number = number
        bodies = [{"score": order.score, "parts": [["strength", order.line.strength]]} for order in orders]
        new = [(order.number, order.key, order.raw) for order in orders]
        self._journal.commit(new, _events(orders, "accepted", bodies))
        self._notify("accepted", orders)

    def _intend(self, orders: Sequence[_PlainOrder]) -> None:
        bodies = [
            {"client_order_id": o.client_order_id, "symbol": o.line.symbol, "side": o.line.side, "order_type": "limit"}
            | {"trader": "paper", "amount": o.amount, "price": o.price, "generation": 1, "reserved": o.price * o.amount}
            for o in orders
        ]
        self._journal.commit((), _events(orders, "intent", bodies))

    def _settle(self, orders: Sequence[_PlainOrder]) -> None:
        bodies: list[dict[str, object]] = [
            {"client_order_id": o.client_order_id, "venue_order_id": f"p{o.client_order_id}", "status": "closed"}
            | {"fills": [{"amount": o.amount, "price": o.price, "fee": o.fee, "trade_id": f"{o.client_order_id}-1"}]}
            for o in orders
        ]
        self._journal.commit((), _events(orders, "placed", bodies), [order.number for order in orders])
        self._notify("placed", orders)

    def _notify(self, kind: str, orders: Sequence[_PlainOrder]) -> None:
        for _ in orders:
            self._on_event(kind)

    def _count(self, _: _PlainOrder) -> None:
        self.placed += 1
        if self.placed == self._wanted:
            self._reached.set_result(None)

    async def _placed(self, wanted: int) -> None:
        self._wanted, self._reached = wanted, asyncio.get_running_loop().create_future()
        if self.placed < wanted:
            await self._reached


def _events(
    orders: Sequence[_PlainOrder], kind: str, bodies: Iterable[dict[str, object]]
) -> Iterable[tuple[int, str, str]]:
    for order, body in zip(orders, bodies, strict=True):
        yield order.number, kind, msgspec.json.encode(body).decode()


def _read(raw: bytes) -> _PlainOrder:
    return _PlainOrder(raw, msgspec.json.decode(raw, type=_PlainSignal))


def _followed(order: _PlainOrder) -> bool:
    return order.line.symbol in FOUR


def _fresh(order: _PlainOrder) -> bool:
    return time.time() * 1000 - order.line.timestamp < _HOUR_MS


def _strong(order: _PlainOrder) -> bool:
    return order.line.strength >= 0.5


def _identified(order: _PlainOrder) -> _PlainOrder:
    order.key = blake2b(f"{order.line.source}:{order.line.key}".encode(), digest_size=10).digest()
    return order


def _scored(order: _PlainOrder) -> _PlainOrder:
    order.score = 0.5 * order.line.strength + 0.3 * order.line.confidence + 0.2
    return order


def _sized(order: _PlainOrder) -> _PlainOrder:
    order.price = _ASK if order.line.side == "buy" else _BID
    order.amount = (_NOTIONAL / order.price / _LOT).to_integral_value() * _LOT
    return order


def _named(order: _PlainOrder) -> _PlainOrder:
    order.client_order_id = blake2b(order.key, digest_size=9).hexdigest()
    return order


def _each(orders: Sequence[_PlainOrder]) -> Observable[_PlainOrder]:
    return rx.from_iterable(orders)


def _placing(order: _PlainOrder) -> Observable[_PlainOrder]:
    return rx.from_future(asyncio.ensure_future(_place(order)))


async def _place(order: _PlainOrder) -> _PlainOrder:
    order.fee = order.amount * order.price * _FEE
    return order
