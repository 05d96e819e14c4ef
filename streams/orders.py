"""Order updates after the acknowledgement: fills and changes of status, recorded as they arrive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from operators.group_commit import GroupCommit
from streams.state import State
from tidegate.domain import events as e
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.order import Fill, OrderStatus, OrderUpdate
from tidegate.domain.ports import Item, SignalHistory

__all__ = ["OrderUpdates"]

_OPENING = (e.Placed, e.Reopened, e.Adopted)
_OF_ORDERS = frozenset({*_OPENING, e.Filled, e.OrderChanged})
_TOLD = frozenset({e.Placed, e.Deferred, e.Failed, e.Reopened})


class OrderUpdates:
    """Records a venue's updates of our orders, retrying until it succeeds.

    A venue may update an order before its acknowledgement is committed, or even known here: such an update is kept
    until the journal has the order. Updates of orders that are not ours, or are over, are left out, and so is a
    trade that was reported before. The end of an order is not recorded before all that was traded is: a word may have
    been lost, and then reconciliation brings the rest.
    `valued` gives each fee in a third currency its value in the quote currency, where that is known.
    Memory: updates of orders that are being placed, trades of those that are open.
    """

    def __init__(
        self, state: State, commits: GroupCommit, valued: Callable[[str, Sequence[Fill]], tuple[Fill, ...]]
    ) -> None:
        self._state, self._commits, self._valued = state, commits, valued
        self._kept: dict[int, list[OrderUpdate]] = {}
        self._trades: dict[str, dict[str, Decimal] | None] = {}  # by open order; None where its end is being recorded

    def remember(self, history: SignalHistory) -> None:
        """Know the trades of an order that an earlier run left open."""
        for event in history.events:
            self._trades_of(event.body)

    def unheard(self, client_order_id: str, fills: Sequence[Fill]) -> Sequence[Fill]:
        """The trades of an open order that were not booked yet."""
        known = self._trades.get(client_order_id) or {}
        return [fill for fill in fills if fill.trade_id not in known]

    def traded(self, client_order_id: str) -> Decimal | None:
        """How much of an open order was traded in all, as far as known; None while its end is being recorded."""
        known = self._trades.get(client_order_id, {})
        return None if known is None else sum(known.values(), Decimal(0))

    def on_update(self, update: OrderUpdate) -> None:
        """Take in an update of a venue: a listener for `Venue.listen`."""
        number = self._state.signal_of_order(update.client_order_id)
        if number is None:
            return
        if self._state.statuses[number].outcome is Outcome.PLACED:
            self._record(number, update)
        else:
            self._kept.setdefault(number, []).append(update)

    def follow(self, events: Sequence[e.Recorded]) -> None:
        """Take in the events of one commit, once the state has."""
        for event in events:
            kind = type(event.body)
            if kind in _OF_ORDERS:
                self._trades_of(event.body)
            if self._kept and kind in _TOLD:
                for update in self._kept.pop(event.number, ()):
                    self.on_update(update)

    def _trades_of(self, body: e.Body) -> None:
        if isinstance(body, _OPENING):
            if body.status is OrderStatus.OPEN:
                self._trades[body.client_order_id] = {fill.trade_id: fill.amount for fill in body.fills}
        elif isinstance(body, e.OrderChanged):
            self._trades.pop(body.client_order_id, None)
        elif isinstance(body, e.Filled):
            known = self._trades.get(body.client_order_id)
            if known is not None:
                known[body.fill.trade_id] = body.fill.amount

    def _record(self, number: int, update: OrderUpdate) -> None:
        order_id = update.client_order_id
        trades = self._trades.setdefault(order_id, {})
        if trades is None:
            return
        new = {fill.trade_id: fill for fill in self.unheard(order_id, update.fills)}
        trades.update({name: fill.amount for name, fill in new.items()})
        bodies: tuple[e.Body, ...] = ()
        if new:
            symbol = self._state.book.account(update.trader).orders[order_id].symbol
            fills = self._valued(symbol, list(new.values()))
            bodies = tuple([e.Filled(client_order_id=order_id, fill=fill) for fill in fills])
        whole = update.filled is None or sum(trades.values()) >= update.filled
        over = whole and update.status is not OrderStatus.OPEN
        if over:
            self._trades[order_id] = None
            bodies += (e.OrderChanged(client_order_id=order_id, status=update.status),)
        if bodies:
            signal_id = self._state.statuses[number].signal_id
            self._commits.submit(Item(update.at_ns, bodies, number, signal_id, done=over), must=True)
