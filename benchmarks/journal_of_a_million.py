"""A journal with a long past: signals that were bought and sold by turns and are closed, and open ones that wait."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path

from benchmarks.load import FOUR, signal_lines
from streams.state import State
from tidegate.domain import events as e
from tidegate.domain.identity import client_order_id
from tidegate.domain.market import base_of
from tidegate.domain.order import Fill, OrderStatus
from tidegate.domain.ports import Committed, Item, NewSignal
from tidegate.domain.reading import read_signal
from tidegate.domain.signal import OrderType, Raw, Side, Signal
from tidegate.journal.sqlite_journal import SqliteJournal

__all__ = ["copied", "written"]

_TOGETHER = 4_000
_FIRST = 10**9  # none of these is one of those that are measured later
_DAY_NS = 86_400_000_000_000
_BALANCE, _AMOUNT, _PRICE, _FEE = Decimal(10**9), Decimal("0.5"), Decimal("100.02"), Decimal("0.05001")


def written(folder: Path, *, closed: int, waiting: int) -> Path:
    """The journal of a program that stopped, after `closed` signals were placed and filled and while others waited.

    It is written through the journal itself, and its image is that of the state folded from all its events. What was
    written into `folder` before is used again.
    """
    path = folder / f"{closed}-closed-{waiting}-waiting.db"
    if not path.exists():
        asyncio.run(_write(path, closed, waiting))
    return path


def copied(journal: Path, folder: Path) -> Path:
    """A copy to work with."""
    return Path(shutil.copy(journal, folder / "journal.db"))


async def _write(path: Path, closed: int, waiting: int) -> None:
    journal = SqliteJournal(f"sqlite:///{path}", mode="paper", synchronous="off")
    state = State()
    balances = dict.fromkeys(("USDT", *map(base_of, FOUR)), _BALANCE)
    await _commit(journal, state, [Item(time.time_ns(), (e.Funded(trader="paper", balances=balances),))])
    items = _items(closed, waiting)
    while some := list(islice(items, _TOGETHER)):
        await _commit(journal, state, some)
    await _commit(journal, state, [Item(time.time_ns(), (e.Stopped(left={"waiting": waiting}),))])
    await journal.commit((), {state.name: state.image()})
    journal.close()


async def _commit(journal: SqliteJournal, state: State, items: list[Item]) -> None:
    for answer in await journal.commit(items, {}):
        if isinstance(answer, Committed):
            state.fold(answer.events)


def _items(closed: int, waiting: int) -> Iterator[Item]:
    for number in range(closed + waiting):
        at_ns = time.time_ns()
        (line,) = signal_lines(1, first=_FIRST + number)
        signal, _ = read_signal(Raw(line), at_ns)
        accepted = e.Accepted(
            score=0.89,
            parts=(("strength", 0.45), ("confidence", 0.24), ("freshness", 0.2)),
            expires_at_ns=at_ns + _DAY_NS,
        )
        is_closed = number < closed
        bodies = (accepted, *_order(signal)) if is_closed else (accepted,)
        new = NewSignal(signal.id, signal.content, signal.raw, signal.source, signal.key)
        yield Item(at_ns, bodies, new=new, done=is_closed)


def _order(signal: Signal) -> tuple[e.Body, e.Body]:
    """Each symbol is bought and then sold again, so that nothing is held in the end."""
    order_id = client_order_id("0bec", "paper", signal.id, 1)
    intended = e.Intent(
        client_order_id=order_id,
        trader="paper",
        symbol=signal.symbol,
        side=signal.side,
        order_type=OrderType.LIMIT,
        amount=_AMOUNT,
        price=_PRICE,
        attempt=1,
        reserved=_AMOUNT * _PRICE + _FEE if signal.side is Side.BUY else _AMOUNT,
    )
    fill = Fill(trade_id=f"{order_id}-1", amount=_AMOUNT, price=_PRICE, fee=_FEE, fee_currency="USDT")
    placed = e.Placed(client_order_id=order_id, venue_order_id=f"p{order_id}", status=OrderStatus.CLOSED, fills=(fill,))
    return intended, placed
