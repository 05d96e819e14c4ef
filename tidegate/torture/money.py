"""The money of a run, reckoned a second time from its events, and held against the pipeline's books and the venues'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

from tidegate.domain import events as e
from tidegate.domain.order import OrderRequest
from tidegate.domain.order_summary import fills_in
from tidegate.domain.signal import Side
from tidegate.torture.faulty.books import Books
from tidegate.torture.faulty.exchange import COIN_PRICE
from tidegate.torture.history import Bounds, TortureHistory, Violation
from tidegate.torture.kept import Kept
from tidegate.torture.sums import Sums, exact

__all__ = ["against_books", "against_state", "reckon"]

_UNIT = 10**18
_LAST_DIGIT = Fraction(1, 10**18)
_UNSETTLED = frozenset({"placing", "unknown", "parked", "failed"})


def reckon(past: TortureHistory) -> tuple[Sums, list[Violation]]:
    """What all the events of a run add up to, and what on the way was sold or opened that must not be.

    No order sells more than our trades hold and no other order sells, or goes beyond the limits. Balances are taken
    over from a venue as they were at some moment with the trades that were booked then.
    """
    sums, broken = Sums(), list[Violation]()
    as_declared = past.script.lag.is_as_declared
    for event in past.events:
        body = event.body
        if isinstance(body, e.Intent):
            broken += _beyond(body, sums, past.bounds)
        elif isinstance(body, e.BalancesSynced):
            broken += _needlessly(event.position, body, sums)
        sums.add(event)
        for fill in fills_in(body):
            if fill.fee_in_quote is not None and exact(fill.fee_in_quote) != exact(fill.fee) * COIN_PRICE:
                broken.append(Violation("I6", f"the fee of {fill.trade_id} was not worth {fill.fee_in_quote}"))
        if isinstance(body, e.BalancesSynced) and as_declared and not _unsettled(sums, body.trader):
            broken += _taken_over(event.position, body, sums, past.books[body.trader])
    return sums, broken


def _beyond(order: OrderRequest, sums: Sums, bounds: Bounds) -> Iterator[Violation]:
    amount, symbol, order_id = exact(order.amount), order.symbol, order.client_order_id
    if order.side is Side.SELL:
        closable = sums.closable(order.trader, symbol)
        if amount > closable and not bounds.sells_holdings:
            yield Violation("I2", f"{order_id} sells {order.amount} {symbol}, our trades hold {float(closable):g}")
        return
    notional = amount * exact(order.price) if order.price is not None else Fraction(0)
    if notional > exact(bounds.notional_max[symbol]):
        yield Violation("I2", f"{order_id} costs {float(notional):g}, more than an order may")
    positions = sums.positions(bounds.no_dust)
    if symbol not in positions and len(positions) >= bounds.positions_max:
        yield Violation("I2", f"{order_id} opens one position more than are allowed")


def against_state(past: TortureHistory, sums: Sums) -> Iterator[Violation]:
    """The pipeline's own books are what the events add up to: at the end, and as the next start reads them."""
    for when, kept in (("at the end", past.kept), ("after a restart", past.restored)):
        if kept is not None:
            yield from _differing(when, kept, sums)


def against_books(past: TortureHistory, kept: Kept) -> Iterator[Violation]:
    """What the pipeline thinks that it has is what the venues say that it has."""
    for trader, books in past.books.items():
        theirs = {currency: total for currency, total in books.totals().items() if total}
        ours = {currency: total for (account, currency), total in kept.totals.items() if account == trader}
        if ours != theirs:
            yield Violation("I6", f"{trader} has {_plain(theirs)}, in the journal {_plain(ours)}")


def _needlessly(position: int, counted: e.BalancesSynced, sums: Sums) -> Iterator[Violation]:
    """What is taken over after trades differs from what the events add up to: else the pipeline's books had not."""
    for currency, total in counted.balances.items():
        of = counted.trader, currency
        if of in sums.counted and sums.totals[of] == exact(total) != sums.counted[of]:
            yield Violation("I6", f"{counted.trader}: {total} {currency} at {position} is what the events add up to")


def _taken_over(position: int, counted: e.BalancesSynced, sums: Sums, books: Books) -> Iterator[Violation]:
    """Less our booked trades, a balance is what there was without us at some moment."""
    ours = sums.booked.get(counted.trader, {})
    for currency, total in counted.balances.items():
        changes = [change for change in books.changes if change.currency == currency]
        with_us = sum(change.units for change in changes if change.trade_id in ours)
        without = accumulate((change.units for change in changes if not change.trade_id), initial=0)
        if exact(total) * _UNIT - with_us not in set(without):
            yield Violation("I6", f"{counted.trader}: {total} {currency} at {position} is none that there ever was")


def _unsettled(sums: Sums, trader: str) -> bool:
    """Whether an order may be at the venue of which the journal does not say so: then balances may be ahead."""
    return any(order.trader == trader and sums.status[order.number] in _UNSETTLED for order in sums.orders.values())


def _differing(when: str, kept: Kept, sums: Sums) -> Iterator[Violation]:
    if (kept.received, kept.redelivered, dict(kept.outcomes)) != (sums.received, sums.redelivered, sums.outcomes()):
        yield Violation("I1", f"{when} the ledger has {kept.received} signals, {dict(kept.outcomes)}, {_ledger(sums)}")
    for name, ours, theirs, exactly in (
        ("totals", kept.totals, sums.totals, True),
        ("locked", kept.locked, sums.locked(), True),
        ("put in", kept.put_in, sums.put_in, True),
        ("fees", kept.fees, sums.fees, True),
        ("unvalued fees", kept.unvalued, sums.unvalued, True),
        ("holdings", kept.held, sums.held, True),
        ("costs", kept.cost, sums.cost, False),
        ("profits", kept.realized, sums.realized, False),
    ):
        for of in sorted(ours.keys() | theirs.keys()):
            here, there = exact(ours.get(of, Decimal(0))), theirs.get(of, Fraction(0))
            if abs(here - there) > (0 if exactly else _LAST_DIGIT):
                yield Violation("I6", f"{when} the {name} of {' '.join(of)} are {float(here)}, not {float(there)}")
    if dict(kept.positions) != dict(sums.positions()):
        yield Violation("I6", f"{when} positions are {dict(kept.positions)}, not {dict(sums.positions())}")


def _ledger(sums: Sums) -> str:
    return f"the events {sums.received}, {dict(sums.outcomes())}"


def _plain(totals: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{total:f} {currency}" for currency, total in sorted(totals.items()))
