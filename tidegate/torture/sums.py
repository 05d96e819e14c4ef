"""What the events of a journal add up to, in exact fractions: a second reckoning that shares nothing with the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct

from tidegate.domain import events as e
from tidegate.domain.order import Fill, OrderRequest, OrderStatus

__all__ = ["SummedOrder", "Sums", "exact"]

_AFTER: dict[str, str] = {
    "accepted": "waiting",
    "refused": "refused",
    "superseded": "superseded",
    "expired": "expired",
    "intent": "placing",
    "placed": "placed",
    "deferred": "waiting",
    "failed": "failed",
    "unknown": "unknown",
    "parked": "parked",
    "reopened": "placed",
    "adopted": "placed",
}
"""A signal's outcome after an event; kinds left out change nothing."""

_Of = tuple[str, str]


class SummedOrder(Struct):
    """An order as the journal has it so far: what was set aside for it, spent, and traded, and whether it is over."""

    number: int
    trader: str
    symbol: str
    buying: bool
    amount: Fraction
    reserved: Fraction
    spent: Fraction = Fraction(0)
    filled: Fraction = Fraction(0)
    over: bool = False

    @property
    def base(self) -> str:
        """What it trades."""
        return self.symbol.split("/")[0]

    @property
    def quote(self) -> str:
        """What it is paid with."""
        return self.symbol.split("/")[1].split(":")[0]

    @property
    def locks(self) -> Fraction:
        """What is still set aside."""
        if self.over or self.filled >= self.amount:
            return Fraction(0)
        return max(self.reserved - self.spent, Fraction(0))


class Sums:
    """Takes events in, one after the other. Amounts are by account and currency, or by account and symbol."""

    def __init__(self) -> None:
        self.received = self.redelivered = 0
        self.status: dict[int, str] = {}
        self.orders: dict[str, SummedOrder] = {}
        self.booked: dict[str, dict[str, SummedOrder]] = {}
        self.totals: dict[_Of, Fraction] = {}
        self.counted: dict[_Of, Fraction] = {}
        self.put_in: dict[_Of, Fraction] = {}
        self.fees: dict[_Of, Fraction] = {}
        self.unvalued: dict[_Of, Fraction] = {}
        self.held: dict[_Of, Fraction] = {}
        self.cost: dict[_Of, Fraction] = {}
        self.realized: dict[_Of, Fraction] = {}

    def add(self, event: e.Recorded) -> None:
        """Take in the next event."""
        body, kind = event.body, e.kind_of(event.body)
        if event.number:
            if kind == "redelivered":
                self.redelivered += 1
            elif event.number not in self.status:
                self.received += 1
            if kind in _AFTER:
                self.status[event.number] = _AFTER[kind]
        match body:
            case e.Intent():
                self._open(event.number, body)
            case e.Reopened(request=request) | e.Adopted(request=request):
                self._open(event.number, request)
        match body:
            case e.Placed(client_order_id=order_id, fills=fills, status=status):
                self._follow(order_id, fills, status)
            case e.Reopened(client_order_id=order_id, fills=fills, status=status):
                self._follow(order_id, fills, status)
            case e.Adopted(client_order_id=order_id, fills=fills, status=status):
                totals = dict(self.totals)  # these trades are in the balances already
                self._follow(order_id, fills, status)
                self.totals = totals
            case e.Filled(client_order_id=order_id, fill=fill):
                self._follow(order_id, (fill,), OrderStatus.OPEN)
            case e.OrderChanged(client_order_id=order_id, status=status):
                self._follow(order_id, (), status)
            case e.Deferred(client_order_id=order_id) | e.Failed(client_order_id=order_id):
                self.orders[order_id].over = True
            case e.Funded(trader=trader, balances=balances):
                for currency, amount in balances.items():
                    _add(self.totals, (trader, currency), exact(amount))
                    _add(self.put_in, (trader, currency), exact(amount))
            case e.BalancesSynced(trader=trader, balances=balances):
                for currency, amount in balances.items():
                    of = trader, currency
                    _add(self.put_in, of, exact(amount) - self.totals.get(of, Fraction(0)))
                    self.totals[of] = self.counted[of] = exact(amount)

    def outcomes(self) -> Counter[str]:
        """How many signals have each outcome."""
        return Counter(self.status.values())

    def locked(self) -> dict[_Of, Fraction]:
        """What is set aside of each currency."""
        locked: dict[_Of, Fraction] = {}
        for order in self.alive():
            _add(locked, (order.trader, order.quote if order.buying else order.base), order.locks)
        return locked

    def alive(self) -> Iterator[SummedOrder]:
        """The orders that are not over."""
        return (order for order in self.orders.values() if not order.over)

    def closable(self, trader: str, symbol: str) -> Fraction:
        """What our trades hold of a symbol, and no order sells yet."""
        closing = (
            o.amount - o.filled for o in self.alive() if not o.buying and (o.trader, o.symbol) == (trader, symbol)
        )
        return self.held.get((trader, symbol), Fraction(0)) - sum(closing, Fraction(0))

    def positions(self, no_dust: Mapping[str, Decimal] = MappingProxyType({})) -> Counter[str]:
        """For each symbol one for each account that holds it, at least so much of it as is no dust, and one for each
        order that buys it."""
        least = {symbol: exact(amount) for symbol, amount in no_dust.items()}
        held = ((symbol, amount) for (_, symbol), amount in self.held.items() if amount)
        positions = Counter(symbol for symbol, amount in held if amount >= least.get(symbol, 0))
        positions.update(order.symbol for order in self.alive() if order.buying)
        return positions

    def _open(self, number: int, request: OrderRequest) -> None:
        order = self.orders.get(request.client_order_id)
        if order is not None:
            order.over = False
            return
        self.orders[request.client_order_id] = SummedOrder(
            number,
            request.trader,
            request.symbol,
            request.side.value == "buy",
            exact(request.amount),
            exact(request.reserved),
        )

    def _follow(self, order_id: str, fills: tuple[Fill, ...], status: OrderStatus) -> None:
        order = self.orders[order_id]
        for fill in fills:
            self.booked.setdefault(order.trader, {})[fill.trade_id] = order
            self._trade(order, fill)
        if status is not OrderStatus.OPEN:
            order.over = True

    def _trade(self, order: SummedOrder, fill: Fill) -> None:
        amount, fee, fee_in = exact(fill.amount), exact(fill.fee), fill.fee_currency
        account, holding, sign = order.trader, (order.trader, order.symbol), 1 if order.buying else -1
        cost = amount * exact(fill.price)
        _add(self.totals, (account, order.base), sign * amount)
        _add(self.totals, (account, order.quote), -sign * cost)
        _add(self.totals, (account, fee_in), -fee)
        _add(self.fees, (account, fee_in), fee)
        order.filled += amount
        in_base = fee if fee_in == order.base else Fraction(0)
        in_quote = fee if fee_in == order.quote else Fraction(0)
        worth = in_quote if fill.fee_in_quote is None else exact(fill.fee_in_quote)
        if fee_in not in (order.base, order.quote) and fill.fee_in_quote is None:
            _add(self.unvalued, (account, fee_in), fee)
        order.spent += cost + in_quote if order.buying else amount + in_base
        held, paid = self.held.get(holding, Fraction(0)), self.cost.get(holding, Fraction(0))
        if order.buying:
            self.held[holding], self.cost[holding] = held + amount - in_base, paid + cost + worth
            return
        closed = min(amount + in_base, held)
        if closed:
            part = paid * closed / held
            earned = (cost - worth) * closed / (amount + in_base)
            self.held[holding], self.cost[holding] = held - closed, paid - part
            _add(self.realized, holding, earned - part)


def _add(sums: dict[_Of, Fraction], of: _Of, amount: Fraction) -> None:
    if amount:
        sums[of] = sums.get(of, Fraction(0)) + amount


@lru_cache(maxsize=65_536)
def exact(amount: Decimal) -> Fraction:
    """The same amount as a fraction."""
    return Fraction(*amount.as_integer_ratio())
