"""Signals that no account takes now, kept together by what is in their way: looked at again once that is over."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from msgspec import Struct
from reactivex import Observable, Subject

from streams.availability import FOR_EVER
from tidegate.clock import Clock
from tidegate.domain.verdict import Refusal

__all__ = ["BlockedSignals", "WaitCondition"]

_FEW = 64


class WaitCondition(Struct, frozen=True, gc=False):
    """Why none of `traders` takes an order, of `symbol` where one is given, and until when at least (steady).

    Where that is not known it is `FOR_EVER`: then one of the traders says when it is over.
    """

    why: Refusal
    until_ns: int
    traders: frozenset[str] = frozenset()
    symbol: str = ""


class _Pool:
    """The numbers of signals that have the same in their way, the best score first."""

    __slots__ = ("_heap", "blocker", "portion", "scores")

    def __init__(self, blocker: WaitCondition) -> None:
        self.blocker = blocker
        self.portion = 1
        self.scores: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []

    def add(self, number: int, score: float) -> None:
        self.scores[number] = score
        heappush(self._heap, (-score, number))
        if len(self._heap) > 2 * len(self.scores) + _FEW:
            self._heap = [(-score, number) for number, score in self.scores.items()]
            heapify(self._heap)

    def take(self) -> int:
        while (number := heappop(self._heap)[1]) not in self.scores:
            pass
        del self.scores[number]
        return number


class BlockedSignals:
    """Waiting signals by what blocks them, and when it may be over: at a known moment, or when a trader is freed.

    Then `over` emits, once in a turn of the loop, and `take` gives the best of them, first one, then twice as many for
    as long as none of them is blocked again: however many wait, it takes a few to find out. Memory: what is blocked.
    """

    def __init__(self, clock: Clock, freed: Observable[str]) -> None:
        self._over: Subject[None] = Subject()
        self._clock = clock
        self._pools: dict[tuple[frozenset[str], str], _Pool] = {}
        self._pool_of: dict[int, _Pool] = {}
        self._open: dict[_Pool, None] = {}
        self._alarm = clock.alarm(self._ring)
        self._telling = False
        freed.subscribe(self._freed)

    def __contains__(self, number: int) -> bool:
        return number in self._pool_of

    @property
    def over(self) -> Observable[None]:
        """Something that blocked signals is over: once in a turn of the loop."""
        return self._over

    def add(self, number: int, score: float, blocker: WaitCondition) -> None:
        """Keep a signal, with all others that have the same in their way, until that is over."""
        pool = self._pools.setdefault((blocker.traders, blocker.symbol), _Pool(blocker))
        pool.blocker, pool.portion = blocker, 1
        pool.add(number, score)
        self._pool_of[number] = pool
        self._open.pop(pool, None)
        if blocker.until_ns < FOR_EVER:
            self._alarm.set(blocker.until_ns)

    def discard(self, number: int) -> None:
        """Forget a signal, if it is here."""
        pool = self._pool_of.pop(number, None)
        if pool is not None:
            del pool.scores[number]
            self._drop_if_empty(pool)

    def why(self, number: int) -> Refusal | None:
        """What blocks a signal, as it was found last; None where nothing does."""
        pool = self._pool_of.get(number)
        return None if pool is None else pool.blocker.why

    def look_again(self) -> None:
        """Look again at one signal of each kind of obstacle, regardless of what is known."""
        self._open.update(dict.fromkeys(self._pools.values()))

    def take(self, at_most: int) -> list[int]:
        """The numbers of signals that may be blocked no more: of each kind its portion, but never none."""
        taken: list[int] = []
        for pool in list(self._open):
            for _ in range(min(pool.portion, max(at_most - len(taken), 1), len(pool.scores))):
                number = pool.take()
                del self._pool_of[number]
                taken.append(number)
            pool.portion *= 2
            self._drop_if_empty(pool)
        return taken

    def _drop_if_empty(self, pool: _Pool) -> None:
        if not pool.scores:
            self._open.pop(pool, None)
            self._pools.pop((pool.blocker.traders, pool.blocker.symbol), None)

    def _freed(self, trader: str) -> None:
        self._look_at([pool for pool in self._pools.values() if trader in pool.blocker.traders])

    def _ring(self) -> None:
        now_ns = self._clock.now_ns()
        self._look_at([pool for pool in self._pools.values() if pool.blocker.until_ns <= now_ns])
        due_ns = [pool.blocker.until_ns for pool in self._pools.values() if now_ns < pool.blocker.until_ns < FOR_EVER]
        if due_ns:
            self._alarm.set(min(due_ns))

    def _look_at(self, pools: list[_Pool]) -> None:
        self._open.update(dict.fromkeys(pools))
        if pools and not self._telling:
            self._telling = True
            self._clock.call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        self._over.on_next(None)
