"""`download`: the past candles of an exchange, as the CSV file that `replay` reads."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import click
from msgspec import Struct

from tidegate.cli.invocation import Invocation, json_option
from tidegate.cli.moments import moment_ns
from tidegate.cli.printing import print_json
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.market import Candle
from tidegate.domain.moment import iso_of
from tidegate.domain.timeframe import parse_timeframe
from tidegate.insight.formatting import count
from tidegate.market.growing_recording import RecordingGap, append_candles, continues_ns, gaps_in
from tidegate.market.recordings_csv import candles_of

__all__ = ["download", "save"]

_GAPS_SHOWN = 20


@click.command()
@click.option("--exchange", "exchange_id", required=True, help="Exchange, as ccxt names it, such as binance.")
@click.option("--symbol", required=True, help="Symbol, as ccxt writes it, such as BTC/USDT.")
@click.option("--timeframe", default="5m", show_default=True)
@click.option("--since", "since_ns", type=moment_ns, metavar="T", help="Start: 90d ago, or ISO 8601.")
@click.option("--until", "until_ns", type=moment_ns, metavar="T", help="End; default: now.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@json_option
@click.pass_obj
def download(
    invocation: Invocation,
    exchange_id: str,
    symbol: str,
    timeframe: str,
    since_ns: int | None,
    until_ns: int | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Download past candles of an exchange to FILE, for `replay`; no key is needed.

    A FILE that is there is continued after its last candle. Without FILE its name is made of symbol and timeframe, such
    as BTC-USDT-5m.csv. Candles that the exchange does not have are listed as gaps.
    """
    path = file or Path(f"{symbol.replace('/', '-')}-{timeframe}.csv")
    try:
        step_ns = parse_timeframe(timeframe)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    begins_ns = continues_ns(path, symbol, step_ns) or since_ns
    if begins_ns is None:
        raise click.UsageError(f"{path} is new: give a start, such as --since 90d")
    from tidegate.market.ccxt.history import open_history, pages_of

    exchange = open_history(exchange_id, _ccxt_block(invocation, exchange_id))

    async def work() -> int:
        pages = pages_of(
            exchange,
            symbol,
            timeframe,
            since_ms=begins_ns // 1_000_000,
            until_ms=None if until_ns is None else until_ns // 1_000_000,
            pause=asyncio.sleep,
        )
        try:
            return await save(path, pages, _show)
        finally:
            await exchange.close()

    try:
        added = asyncio.run(work())
    except VenueUnavailable as error:
        raise click.ClickException(f"{error}; what came before is in {path}: run this again to continue") from error
    saved = Downloaded.of(path, symbol, step_ns, added)
    if as_json:
        print_json(_as_json(saved))
    else:
        _print(saved)


async def save(path: Path, pages: AsyncIterator[Sequence[Candle]], seen: Callable[[Candle, int], None]) -> int:
    """Append candles page by page, each on the disk before the next is asked for; gives how many there were.

    `seen` is called with the last candle of each page, and the number of candles so far.

    Raises:
        SettingsError: the file cannot be written.
    """
    added = 0
    async for page in pages:
        append_candles(path, page)
        added += len(page)
        seen(page[-1], added)
    return added


def _ccxt_block(invocation: Invocation, exchange_id: str) -> Mapping[str, object]:
    """How the settings reach the exchange, where a trader of theirs is on it: a proxy, another address."""
    traders = invocation.settings().traders
    return next((trader.ccxt for trader in traders if trader.exchange == exchange_id), {})


def _show(newest: Candle, added: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{iso_of(newest.opened_at_ns)[:16]}  {count(added)} candles", err=True, nl=False)


class Downloaded(Struct, frozen=True):
    """What is in the file now, and how much of it is new."""

    path: str
    added: int
    candles: int
    first_at: str | None
    last_at: str | None
    gaps: list[RecordingGap]

    @classmethod
    def of(cls, path: Path, symbol: str, step_ns: int, added: int) -> Downloaded:
        """Read the file again, as `replay` will."""
        candles = list(candles_of(path, symbol, step_ns)) if path.exists() else []
        first_at, last_at = (iso_of(candles[end].opened_at_ns) if candles else None for end in (0, -1))
        return cls(str(path), added, len(candles), first_at, last_at, list(gaps_in(iter(candles))))


def _as_json(file: Downloaded) -> dict[str, object]:
    gaps = [{"from": iso_of(gap.from_ns), "until": iso_of(gap.until_ns), "missing": gap.missing} for gap in file.gaps]
    return {
        "file": file.path,
        "added": file.added,
        "candles": file.candles,
        "first_at": file.first_at,
        "last_at": file.last_at,
        "gaps": gaps,
    }


def _print(file: Downloaded) -> None:
    if sys.stderr.isatty():
        click.echo(err=True)
    click.echo(f"{file.path}: {count(file.added)} candles added, {count(file.candles)} in all")
    if file.first_at is not None and file.last_at is not None:
        click.echo(f"from {file.first_at} to {file.last_at}")
    for gap in file.gaps[:_GAPS_SHOWN]:
        click.echo(f"gap: {count(gap.missing)} missing from {iso_of(gap.from_ns)} until {iso_of(gap.until_ns)}")
    if len(file.gaps) > _GAPS_SHOWN:
        click.echo(f"and {count(len(file.gaps) - _GAPS_SHOWN)} more gaps: see --json")
    if not file.gaps and file.candles:
        click.echo("no gaps")
