"""The tables on the funnel's screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tidegate.domain.market import quote_of
from tidegate.domain.money import Results
from tidegate.domain.order_summary import OrderState
from tidegate.domain.position import Position
from tidegate.domain.signal import Side
from tidegate.insight.formatting import age, change, count, money, percent, plain
from tidegate.insight.view import View

__all__ = ["latencies_table", "markets_table", "money_table", "orders_table", "positions_table", "reasons_table"]

_ID_SHOWN = 8
_GOOD, _POOR, _BAD, _DIM = "green", "yellow", "bold red", "dim"
_SIDE = {Side.BUY: _GOOD, Side.SELL: "red"}
_STATUS = {
    OrderState.PLACING: _DIM,
    OrderState.OPEN: "cyan",
    OrderState.CLOSED: _GOOD,
    OrderState.NOT_PLACED: _POOR,
    OrderState.CANCELED: _POOR,
    OrderState.EXPIRED: _POOR,
}
_SIX_DIGITS = Context(prec=6)


def money_table(results: Results, currencies: int) -> Table:
    """Two lines for each of so many currencies: the figures, and what they are."""
    table = Table.grid(expand=True, padding=(0, 1))
    for _ in range(5):
        table.add_column(justify="center", no_wrap=True)
    for it in results.money[:currencies]:
        table.add_row(
            Text(money(it.equity, it.currency), "bold"),
            Text(money(it.cash, it.currency)),
            Text(change(it.realized, it.currency), _gain_or_loss(it.realized)),
            Text(change(it.unrealized, it.currency), _gain_or_loss(it.unrealized)),
            _fees(results.fees, it.currency),
        )
        names = ("equity", "cash", "net realized", "unrealized", "fees")
        table.add_row(*(Text(name, _DIM) for name in names))
    return table


def _gain_or_loss(gain: Decimal) -> str:
    return _GOOD if gain > 0 else "red" if gain < 0 else _DIM


def _fees(fees: Mapping[str, Decimal], currency: str) -> Text:
    """Those in one currency, and how many others there are."""
    others = len(fees.keys() - {currency})
    return Text(money(fees.get(currency, Decimal(0)), currency) + (f" + {others} other" if others else ""))


def markets_table(view: View, listed: int, *, spread: bool) -> Table:
    """The best prices of each symbol, and how old they are; the asks only where there is room for the `spread`."""
    table = _table("markets", "bid>", *(["ask>"] if spread else []), "age>")
    shown = _shown(view.symbols, listed)
    for symbol, quote, age_ns in view.quotes[:shown]:
        if quote is None:
            table.add_row(symbol, Text("no price", _POOR))
            continue
        stale = age_ns > view.max_data_age_ns
        prices = (quote.bid, quote.ask) if spread else (quote.bid,)
        table.add_row(symbol, *map(plain, prices), Text(age(age_ns), _BAD if stale else _DIM))
    _more(table, view.symbols - shown)
    return table


def reasons_table(view: View, listed: int) -> Table:
    """Why signals did not become orders, the most frequent reasons first."""
    table = _table("not placed, why", ">")
    shown = _shown(len(view.reasons), listed)
    for reason, number in view.reasons[:shown]:
        table.add_row(reason, count(number))
    _more(table, len(view.reasons) - shown)
    return table


def latencies_table(view: View) -> Table:
    """How long signals took, from receipt on."""
    table = _table("latency", "p50>", "p99>")
    for name, latencies in view.latencies.items():
        half, most = (latencies.quantile_ms(share) for share in (0.5, 0.99))
        if half is not None and most is not None:
            table.add_row(name, age(int(half * 1e6)), age(int(most * 1e6)))
    return table


def orders_table(view: View, listed: int) -> Table:
    """The orders that may still fill, and then the latest of the others; each with an id that `why` takes."""
    table = _table(
        f"orders: {view.open_orders} open", "signal", "side", "symbol", "amount>", "price>", "status", "filled>"
    )
    shown = _shown(len(view.orders), listed)
    for order in view.orders[:shown]:
        at = datetime.fromtimestamp(order.at_ns / 1e9, UTC)
        table.add_row(
            f"{at:%H:%M:%S} UTC",
            order.signal_id[:_ID_SHOWN],
            Text(order.side, _SIDE.get(order.side, "")),
            order.symbol,
            plain(order.amount.normalize(_SIX_DIGITS)),
            plain(order.price) if order.price is not None else "market",
            Text(order.status, _STATUS.get(order.status, _BAD)),
            f"{order.filled / order.amount:.0%}",
        )
    _more(table, max(len(view.orders), view.open_orders) - shown)
    return table


def positions_table(view: View, listed: int) -> Table:
    """What is held, and what it would gain if it were sold now; dust is only counted."""
    dust = f" + {view.dust} dust" if view.dust else ""
    table = _table(f"positions: {view.held}{dust}", "amount>", "entry with fees>", "bid>", "unrealized>", ">")
    shown = _shown(view.held, listed)
    for position in view.positions[:shown]:
        table.add_row(position.symbol, plain(position.amount), *_worth(position))
    _more(table, view.held - shown)
    return table


def _shown(wanted: int, listed: int) -> int:
    """How many rows there are room for, one line being kept to say how many more there are."""
    return wanted if wanted <= listed else max(listed - 1, 0)


def _more(table: Table, number: int) -> None:
    if number > 0:
        table.add_row(Text(f"+{count(number)} more", _DIM))


def _worth(position: Position) -> Sequence[RenderableType]:
    mark, gain = position.mark, position.unrealized
    entry = "" if position.entry is None else plain(position.entry.normalize(_SIX_DIGITS))
    if mark is None or gain is None:
        return entry, Text("no price", _POOR)
    style = _GOOD if gain >= 0 else "red"
    worth = Text(change(gain, quote_of(position.symbol)), style)
    return entry, plain(mark.price), worth, Text(percent(gain, position.cost), style)


def _table(*heads: str) -> Table:
    """Columns over the whole width under an underlined head; one whose head ends with `>` is aligned to the right."""
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim underline")
    for head in heads:
        title = Text(head.removesuffix(">"), "" if table.columns else "bold not dim")
        table.add_column(title, justify="right" if head.endswith(">") else "left", no_wrap=True)
    return table
