"""The rows of tables: signals, orders and positions of a journal, one line each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from decimal import Context, Decimal

from msgspec import Struct

from streams.state import State
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.moment import iso_of
from tidegate.domain.order_summary import OrderSummary, orders_of
from tidegate.domain.ports import JournalReader
from tidegate.domain.position import Position, positions_of
from tidegate.domain.reasons import Reason
from tidegate.domain.signal_summary import SignalSummary, line_of
from tidegate.insight.blockers import current
from tidegate.insight.money import as_last_ordered
from tidegate.insight.preview import Blocker

__all__ = ["PositionSummary", "SignalFilter", "order_rows", "position_rows", "signal_rows"]

_SIXTEEN_DIGITS = Context(prec=16)


class SignalFilter(Struct, frozen=True, kw_only=True):
    """Which signals are wanted; None wants all. `limit` keeps the newest ones."""

    outcome: Outcome | None = None
    symbol: str | None = None
    source: str | None = None
    reason: Reason | None = None
    since_ns: int | None = None
    limit: int | None = None

    def wants(self, summary: SignalSummary) -> bool:
        """Whether a signal is wanted, by its summary."""
        return (
            self.outcome in (None, summary.outcome)
            and self.symbol in (None, summary.symbol)
            and self.source in (None, summary.source)
            and self.reason in (None, summary.reason)
        )


class PositionSummary(Struct):
    """What an account holds of a symbol. Money is in the quote currency; `average`, `cost` and `realized` include fees.

    `price` is that of the newest trade or orderly stop on record, `price_at` when that was. `unrealized` is what
    selling all of it at that price would gain, before the fee of selling. `state` is open, closed, or dust: too small
    to be sold.
    """

    trader: str
    symbol: str
    amount: str
    cost: str
    average: str | None
    price: str | None
    price_at: str | None
    unrealized: str | None
    realized: str
    state: str


def signal_rows(
    journal: JournalReader, blockers: Mapping[str, Blocker], wanted: SignalFilter | None = None
) -> Iterable[SignalSummary]:
    """The signals that are wanted, oldest first. Waiting ones have what blocks them now, as far as `blockers` has it.

    Memory: one line at a time, or those within the `limit`.
    """
    wanted = wanted or SignalFilter()
    since_ns = wanted.since_ns
    histories = (history for history in journal.histories() if since_ns is None or history.events[0].at_ns >= since_ns)
    rows = filter(wanted.wants, (current(line_of(history), blockers) for history in histories))
    return rows if wanted.limit is None else deque(rows, wanted.limit)


def order_rows(journal: JournalReader, *, only_open: bool = False) -> Iterator[OrderSummary]:
    """The orders, in the order of their signals. Memory: one signal at a time."""
    for history in journal.histories():
        for order in orders_of(history):
            if not (only_open and order.status.over):
                yield order


def position_rows(journal: JournalReader) -> Iterator[PositionSummary]:
    """What our own trades hold and have earned, by account and symbol; a closed position has the amount 0."""
    book = State.of(journal).book
    positions = positions_of(book, book.marks, as_last_ordered)
    return map(_row, sorted(positions, key=lambda position: (position.trader, position.symbol)))


def _row(it: Position) -> PositionSummary:
    return PositionSummary(
        trader=it.trader,
        symbol=it.symbol,
        amount=f"{it.amount:f}",
        cost=_exact(it.cost),
        average=None if it.entry is None else _exact(it.entry),
        price=None if it.mark is None else _exact(it.mark.price),
        price_at=None if it.mark is None else iso_of(it.mark.at_ns),
        unrealized=None if it.unrealized is None else _exact(it.unrealized),
        realized=_exact(it.realized),
        state="dust" if it.dust else "open" if it.amount else "closed",
    )


def _exact(number: Decimal) -> str:
    """To sixteen digits: averages have no end."""
    return f"{number.normalize(_SIXTEEN_DIGITS):f}"
