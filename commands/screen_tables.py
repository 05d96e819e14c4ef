"""The tables on the funnel's screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Context

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from commands.figures import age, count, money, plain
from commands.positions_held import Position, positions_held
from commands.recent_orders import RecentOrders
from domain.market import quote_of
from domain.order_line import OrderState
from domain.signal import Side
from streams.engine import Engine

__all__ = ["latencies_table", "markets_table", "orders_table", "positions_table", "reasons_table"]

_ORDERS_SHOWN = 5
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


def markets_table(engine: Engine, listed: int, *, spread: bool) -> Table:
    """The best prices of each symbol, and how old they are; the asks only where there is room for the `spread`."""
    markets, now_ns = engine.parts.markets, engine.parts.clock.now_ns()
    table = _table("markets", "bid>", *(["ask>"] if spread else []), "age>")
    for symbol in sorted(markets.symbols)[:listed]:
        quote = markets.quotes.get(symbol)
        if quote is None:
            table.add_row(symbol, Text("no price", _POOR))
            continue
        age_ns = markets.age_ns(symbol, now_ns) or 0
        stale = age_ns > engine.rules.execution.max_data_age_ns
        prices = (quote.bid, quote.ask) if spread else (quote.bid,)
        table.add_row(symbol, *map(plain, prices), Text(age(age_ns), _BAD if stale else _DIM))
    return table


def reasons_table(engine: Engine, listed: int) -> Table:
    """Why signals did not become orders, the most frequent reasons first."""
    table = _table("not placed, why", ">")
    for reason, number in engine.parts.state.ledger.reasons.most_common(listed):
        table.add_row(reason, count(number))
    return table


def latencies_table(engine: Engine) -> Table:
    """How long signals took, from receipt on."""
    table = _table("latency", "p50>", "p99>")
    for name, latencies in engine.parts.telemetry.latencies.items():
        half, most = (latencies.quantile_ms(share) for share in (0.5, 0.99))
        if half is not None and most is not None:
            table.add_row(name, age(int(half * 1e6)), age(int(most * 1e6)))
    return table


def orders_table(orders: RecentOrders) -> Table:
    """The latest orders, newest first."""
    table = _table("latest orders", "side", "symbol", "amount>", "price>", "status", "filled>")
    for order in orders.latest(_ORDERS_SHOWN):
        at = datetime.fromtimestamp(order.at_ns / 1e9, UTC)
        table.add_row(
            f"{at:%H:%M:%S} UTC",
            Text(order.side, _SIDE.get(order.side, "")),
            order.symbol,
            plain(order.amount),
            plain(order.price) if order.price is not None else "market",
            Text(order.status, _STATUS.get(order.status, _BAD)),
            f"{order.filled / order.amount:.0%}",
        )
    return table


def positions_table(engine: Engine, listed: int) -> Table:
    """What is held, and what it would gain if it were sold now."""
    positions = positions_held(engine.parts.state.book, engine.parts.markets)
    table = _table(f"positions: {len(positions)}", "amount>", "entry>", "bid>", "unrealised>", ">")
    shown = positions if len(positions) <= listed else positions[: listed - 1]
    for position in shown:
        table.add_row(position.symbol, plain(position.amount), *_worth(position))
    if len(shown) < len(positions):
        table.add_row(Text(f"and {len(positions) - len(shown)} more", _DIM))
    return table


def _worth(position: Position) -> Sequence[RenderableType]:
    quote, gain, entry = position.quote, position.unrealised, plain(position.entry.normalize(_SIX_DIGITS))
    if quote is None or gain is None:
        return entry, Text("no price", _POOR)
    style = _GOOD if gain >= 0 else "red"
    worth = Text(f"{money(gain, position.cost)} {quote_of(position.symbol)}", style)
    return entry, plain(quote.bid), worth, Text(f"{gain / position.cost:+.2%}", style)


def _table(*heads: str) -> Table:
    """Columns over the whole width under an underlined head; one whose head ends with `>` is aligned to the right."""
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim underline")
    for head in heads:
        title = Text(head.removesuffix(">"), "" if table.columns else "bold not dim")
        table.add_column(title, justify="right" if head.endswith(">") else "left", no_wrap=True)
    return table
