"""Money in words and as JSON: equity, cash, profit, fees, and at what prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from tidegate.domain.account import Holding
from tidegate.domain.moment import iso_of
from tidegate.domain.money import Money, Results
from tidegate.insight.formatting import change, money, percent, plain

__all__ = ["as_last_ordered", "money_as_json", "money_in_words"]

_MARKS_SHOWN = 4


def as_last_ordered(trader: str, symbol: str, holding: Holding) -> bool:  # noqa: ARG001 - the holding knows
    """Whether a holding is dust, by the minimum amount at its last order, which is all the journal has."""
    return holding.is_dust(None, None)


def money_as_json(results: Results) -> dict[str, object]:
    """All figures, exact. Amounts of `money` are in its currency; profits include fees, but not `unvalued_fees`."""
    return {
        "money": {
            it.currency: {
                "equity": it.equity,
                "put_in": it.put_in,
                "change": it.change,
                "cash": it.cash,
                "set_aside": it.set_aside,
                "realized": it.realized,
                "unrealized": it.unrealized,
                "unpriced": list(it.unpriced),
            }
            for it in results.money
        },
        "fees": results.fees,
        "unvalued_fees": results.unvalued_fees,
        "prices": {symbol: {"price": mark.price, "at": iso_of(mark.at_ns)} for symbol, mark in results.marks.items()},
    }


def money_in_words(results: Results) -> Iterator[tuple[str, str]]:
    """The same for people: a name and a figure for each line."""
    for it in results.money:
        gained = f"{change(it.change, it.currency)} ({percent(it.change, it.put_in)}) by trading"
        yield "equity", f"{money(it.equity, it.currency)}, {gained}{_without(it.unpriced)}"
        yield "cash", f"{money(it.cash, it.currency)}, {money(it.set_aside, it.currency)} of it reserved for orders"
        yield "realized", f"{change(it.realized, it.currency)}, fees included"
        yield "unrealized", f"{change(it.unrealized, it.currency)} on {_holdings(results, it)}"
    if results.fees:
        apart = f"; not in the profit, because their value is unknown: {_sums(results.unvalued_fees)}"
        yield "fees", _sums(results.fees) + (apart if results.unvalued_fees else "")
    if results.marks:
        yield "priced at", _priced(results)


def _without(unpriced: Sequence[str]) -> str:
    return f", without {', '.join(unpriced)}, whose price is unknown" if unpriced else ""


def _holdings(results: Results, it: Money) -> str:
    held = [p for p in results.positions if p.amount and p.symbol.endswith(f"/{it.currency}")]
    dust = sum(position.dust for position in held)
    count = len(held) - dust
    said = f"{count} open position{'' if count == 1 else 's'}"
    return f"{said}, and {dust} too small to sell" if dust else said


def _priced(results: Results) -> str:
    marks = list(results.marks.items())
    shown = (f"{symbol} {plain(mark.price)} of {iso_of(mark.at_ns)[:19]}Z" for symbol, mark in marks[:_MARKS_SHOWN])
    said = ", ".join(shown)
    more = len(marks) - _MARKS_SHOWN
    return f"{said}, and {more} more" if more > 0 else said


def _sums(amounts: Mapping[str, Decimal]) -> str:
    return ", ".join(money(amount, currency) for currency, amount in amounts.items())
