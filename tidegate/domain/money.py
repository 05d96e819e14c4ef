"""What all accounts come to: equity, cash, profit and fees. A read model of the book, computed when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from tidegate.domain.account import Holding
from tidegate.domain.book import Book
from tidegate.domain.market import Mark, quote_of
from tidegate.domain.position import Position, positions_of

__all__ = ["Money", "Results", "results_of"]

_ZERO = Decimal(0)
_ONE = Decimal(1)


class Money(Struct, frozen=True, kw_only=True):
    """All accounts, valued in one quote currency at the marks.

    `equity` is everything there is. `put_in` is what came in from outside, valued at the same marks: the difference is
    what trading made of it, however the prices of what was put in moved. `cash` is what there is of the currency
    itself, with what is set aside for open orders. `realized` and `unrealized` are those of the symbols traded against
    it; fees are included. `unpriced` names the currencies that are in no sum, since no price of them is known.
    """

    currency: str
    equity: Decimal
    put_in: Decimal
    cash: Decimal
    set_aside: Decimal
    realized: Decimal
    unrealized: Decimal
    unpriced: Sequence[str]

    @property
    def change(self) -> Decimal:
        """What trading made of what was put in."""
        return self.equity - self.put_in


class Results(Struct, frozen=True, kw_only=True):
    """One `Money` for each currency that is traded against, and every position, open or closed.

    Fees are by the currency they were paid in; `unvalued_fees` are in no profit, since their value was not known.
    `marks` are the prices used.
    """

    money: Sequence[Money]
    positions: Sequence[Position]
    fees: Mapping[str, Decimal]
    unvalued_fees: Mapping[str, Decimal]
    marks: Mapping[str, Mark]


class _Sums(Struct, frozen=True):
    """Amounts by currency, over all accounts."""

    totals: Mapping[str, Decimal]
    locked: Mapping[str, Decimal]
    put_in: Mapping[str, Decimal]


def results_of(book: Book, marks: Mapping[str, Mark], is_dust: Callable[[str, str, Holding], bool]) -> Results:
    """Value all accounts at `marks`; `is_dust` says whether a trader's holding of a symbol is too small to be sold."""
    accounts = list(book.accounts.values())
    sums = _Sums(
        _added({c: b.total for c, b in account.balances.items()} for account in accounts),
        _added({c: b.locked for c, b in account.balances.items()} for account in accounts),
        _added(account.put_in for account in accounts),
    )
    there = {c for c in sums.totals.keys() | sums.put_in.keys() if sums.totals.get(c) or sums.put_in.get(c)}
    positions = positions_of(book, marks, is_dust)
    traded = {quote_of(position.symbol) for position in positions}
    currencies = traded | ({quote_of(symbol) for symbol in marks} & there) or there
    used: dict[str, Mark] = {}
    return Results(
        money=[_money(currency, there, sums, positions, marks, used) for currency in sorted(currencies)],
        positions=positions,
        fees=_added(account.fees for account in accounts),
        unvalued_fees=_added(account.unvalued_fees for account in accounts),
        marks=dict(sorted(used.items())),
    )


def _money(
    currency: str,
    there: Iterable[str],
    sums: _Sums,
    positions: Sequence[Position],
    marks: Mapping[str, Mark],
    used: dict[str, Mark],
) -> Money:
    mine = [position for position in positions if quote_of(position.symbol) == currency]
    rates = {other: _rate(other, currency, marks, used) for other in sorted(there)}
    priced = {other: rate for other, rate in rates.items() if rate is not None}
    return Money(
        currency=currency,
        equity=sum((sums.totals.get(other, _ZERO) * rate for other, rate in priced.items()), _ZERO),
        put_in=sum((sums.put_in.get(other, _ZERO) * rate for other, rate in priced.items()), _ZERO),
        cash=sums.totals.get(currency, _ZERO),
        set_aside=sums.locked.get(currency, _ZERO),
        realized=sum((position.realized for position in mine), _ZERO),
        unrealized=sum((position.unrealized or _ZERO for position in mine), _ZERO),
        unpriced=[other for other in rates if other not in priced],
    )


def _rate(currency: str, into: str, marks: Mapping[str, Mark], used: dict[str, Mark]) -> Decimal | None:
    if currency == into:
        return _ONE
    direct, inverse = f"{currency}/{into}", f"{into}/{currency}"
    for symbol in (direct, inverse):
        mark = marks.get(symbol)
        if mark is not None and mark.price:
            used[symbol] = mark
            return mark.price if symbol == direct else _ONE / mark.price
    return None


def _added(parts: Iterable[Mapping[str, Decimal]]) -> Mapping[str, Decimal]:
    added: dict[str, Decimal] = {}
    for part in parts:
        for currency, amount in part.items():
            added[currency] = added.get(currency, _ZERO) + amount
    return dict(sorted(added.items()))
