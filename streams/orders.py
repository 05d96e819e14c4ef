"""What becomes of orders after their acknowledgement: fills and changes of status, recorded as they are heard."""

from __future__ import annotations

from collections.abc import Sequence

from domain import events as e
from domain.lifecycle import Outcome
from domain.order import OrderStatus, OrderUpdate
from domain.ports import Item
from operators.record import GroupCommit
from streams.state import State

__all__ = ["OrderUpdates"]


class OrderUpdates:
    """Records what a venue tells of our orders, whatever it takes.

    A venue may tell of an order before its acknowledgement is committed, or even known here: such an update is kept
    until the journal has the order. What is told of orders that are not ours, or are over, is left out, and so is a
    trade that was told of before.
    Memory: updates of orders that are being placed, ids of trades of those that are open.
    """

    def __init__(self, state: State, commits: GroupCommit) -> None:
        self._state, self._commits = state, commits
        self._kept: dict[int, list[OrderUpdate]] = {}
        self._trades: dict[str, set[str] | None] = {}  # by open order; None where its end is being recorded
        commits.committed.subscribe(self._follow, lambda _: None)  # that it broke, the engine says

    def hear(self, update: OrderUpdate) -> None:
        """Take in what a venue tells: a listener for `Venue.listen`."""
        number = self._state.signal_of_order(update.client_order_id)
        if number is None:
            return
        if self._state.standing[number].outcome is Outcome.PLACED:
            self._record(number, update)
        else:
            self._kept.setdefault(number, []).append(update)

    def _follow(self, events: Sequence[e.Recorded]) -> None:
        for event in events:
            body = event.body
            if type(body) is e.Placed and body.status is OrderStatus.OPEN:
                self._trades[body.client_order_id] = {fill.trade_id for fill in body.fills}
            elif type(body) is e.OrderChanged:
                self._trades.pop(body.client_order_id, None)
            if self._kept and isinstance(body, e.Placed | e.Deferred | e.Failed):
                for update in self._kept.pop(event.number, ()):
                    self.hear(update)

    def _record(self, number: int, update: OrderUpdate) -> None:
        order_id = update.client_order_id
        trades = self._trades.setdefault(order_id, set())
        if trades is None:
            return
        new = {fill.trade_id: fill for fill in update.fills if fill.trade_id not in trades}
        trades.update(new)
        bodies: tuple[e.Body, ...] = tuple(e.Filled(client_order_id=order_id, fill=fill) for fill in new.values())
        over = update.status is not OrderStatus.OPEN
        if over:
            self._trades[order_id] = None
            bodies += (e.OrderChanged(client_order_id=order_id, status=update.status),)
        if bodies:
            signal_id = self._state.standing[number].signal_id
            self._commits.submit(Item(update.at_ns, bodies, number, signal_id, done=over), must=True)
