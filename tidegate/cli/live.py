"""Commands for a running pipeline: run one, and talk to it."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import click
from reactivex import Observable

from streams.engine import Engine
from tidegate.assembly import begin_log
from tidegate.cli.completers import complete_files, complete_symbols
from tidegate.cli.invocation import Invocation, set_option, settings_by_path
from tidegate.cli.replies import print_sent, print_triggered
from tidegate.cli.runner import RunPlan, serve
from tidegate.domain.events import Body, Halted, Resumed
from tidegate.domain.ports import Item, Journal
from tidegate.domain.text import printable, safe
from tidegate.insight.event_lines import EventLine
from tidegate.insight.telemetry import Telemetry
from tidegate.journal import path_of, url_of, write_journal
from tidegate.market.feeds import Playback
from tidegate.market.recordings import content_of, read_candles
from tidegate.settings import Settings
from tidegate.sources import control
from tidegate.sources.control import Json, NotRunning

__all__ = ["halt", "reduce_only", "resume", "run", "send", "trigger"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_UNIT_S = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0}


_journal = click.option(
    "--journal",
    metavar="FILE|URL",
    shell_complete=complete_files,
    help="Journal of the running pipeline; default: the settings'.",
)


class Duration(click.ParamType[float]):
    """`90s`, `5m`, `1h`: seconds where no unit is named."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it as seconds."""
        match = _DURATION.fullmatch(str(value))
        if match is None:
            self.fail(f"must be like 90s, 5m or 1h, was {value}", param, ctx)
        return float(match[1]) * _UNIT_S[match[2]]


@click.command()
@click.option("--for", "for_s", type=Duration(), help="Stop after this time, such as 90s.")
@click.option(
    "--signals",
    metavar="FILE|-",
    shell_complete=complete_files,
    help="Read signals from a file of JSON lines, or from standard input (-).",
)
@click.option("--strategies", is_flag=True, help="Generate signals as well when --signals is given.")
@click.option("--candles", type=click.Path(path_type=Path), multiple=True, help="Recorded candles as the market.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    help="Speed at which candles are played; 1 (default) is real time.",
)
@set_option
@click.option(
    "--journal", metavar="FILE|URL", help="Journal to write; default: the settings', or one of their own for --candles."
)
@click.option("--until-idle", is_flag=True, help="Stop at the end of the input, once no signal is waiting.")
@click.option("--no-dashboard", is_flag=True, help="Print plain lines, even on a terminal.")
@click.pass_obj
def run(
    invocation: Invocation,
    for_s: float | None,
    signals: str | None,
    strategies: bool,
    candles: tuple[Path, ...],
    speed: float | None,
    changes: tuple[str, ...],
    journal: str | None,
    until_idle: bool,
    no_dashboard: bool,
) -> int:
    """Run the pipeline: signals in, orders out; on paper unless the settings say live."""
    from tidegate.cli.funnel import show_funnel

    playback = _playback(candles, speed)
    settings = _settings(invocation, playback, settings_by_path(changes), journal)
    detailed = begin_log(settings)
    plan = RunPlan(
        for_s=for_s,
        signals=signals,
        strategies=strategies or signals is None,
        playback=playback,
        until_idle=until_idle,
        detailed_log=detailed,
    )
    found = _where(invocation, settings)

    def show(engine: Engine, telemetry: Telemetry, world_name: str, lines: Observable[EventLine]) -> Callable[[], None]:
        may_be_covered = sys.stdout.isatty()
        if may_be_covered:
            click.echo(found)
        end = show_funnel(engine, telemetry, mode=settings.mode, world_name=world_name, lines=lines, plain=no_dashboard)
        if not may_be_covered:
            click.echo(found)
        return end

    return asyncio.run(serve(settings, plan, show, click.echo))


@click.command()
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("symbol", shell_complete=complete_symbols)
@click.option("--strength", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="How strong it is.")
@click.option("--confidence", type=click.FloatRange(0, 1), help="How sure you are; default: the strength.")
@click.option("--price", help="Limit price; default: the market's.")
@click.option("--quantity", help="Amount in the base currency; default: by the settings.")
@click.option("--order-type", type=click.Choice(["limit", "market"]))
@click.option("--ttl", "ttl_s", type=Duration(), help="How long it may wait, such as 90s.")
@click.option("--key", help="Your own id; the same key is the same signal. Default: a new one.")
@click.option("--source", default="send", show_default=True, help="Who sends it.")
@_journal
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def send(
    invocation: Invocation,
    /,
    side: str,
    symbol: str,
    key: str | None,
    journal: str | None,
    as_json: bool,
    **fields: object,
) -> int:
    """Send a signal to the running pipeline; exit code 1 if it is refused."""
    signal = {"side": side, "symbol": symbol, "timestamp": "now", "key": key or secrets.token_hex(8), **fields}
    given = {name: value for name, value in signal.items() if value is not None}
    reply = _ask(invocation, journal, {"do": "send", "signal": given})  # type: ignore[dict-item]
    if as_json:
        click.echo(json.dumps(reply))
    else:
        print_sent(reply)
    return 0 if reply["signal_id"] and reply["outcome"] not in ("refused", "failed") else 1


@click.command()
@_journal
@click.pass_obj
def trigger(invocation: Invocation, journal: str | None) -> int:
    """Execute all waiting signals of the running pipeline now; exit code 1 while orders are halted."""
    return print_triggered(_ask(invocation, journal, {"do": "trigger"}))


@click.command()
@click.option("--why", default="halted by hand", show_default=True)
@_journal
@click.pass_obj
def halt(invocation: Invocation, why: str, journal: str | None) -> int:
    """Send no new orders until `resume`, even after a restart."""
    body = Halted(reduce_only=False, why=safe(why))
    return _decree(invocation, journal, body, "halted: no new orders until `resume`")


@click.command()
@click.option("--why", default="reduce-only by hand", show_default=True)
@_journal
@click.pass_obj
def reduce_only(invocation: Invocation, why: str, journal: str | None) -> int:
    """Send only closing orders until `resume`, even after a restart."""
    body = Halted(reduce_only=True, why=safe(why))
    return _decree(invocation, journal, body, "reduce-only: only closing orders until `resume`")


@click.command()
@_journal
@click.pass_obj
def resume(invocation: Invocation, journal: str | None) -> int:
    """Allow new orders again."""
    return _decree(invocation, journal, Resumed(), "resumed: new orders are allowed")


def _where(invocation: Invocation, settings: Settings) -> str:
    """Which settings and which journal are in use."""
    file = invocation.settings_file()
    read = f"settings {file}" if file is not None else "no settings.json here, so the default settings"
    log = settings.logging.json_file
    return printable(f"{read}; journal {path_of(settings.journal.url)}" + (f"; log {log}" if log else ""))


def _playback(candles: Sequence[Path], speed: float | None) -> Playback | None:
    if candles:
        return Playback([read_candles(path) for path in candles], speed or 1.0)
    if speed is not None:
        raise click.UsageError("--speed needs --candles: name the recordings to play")
    return None


def _settings(
    invocation: Invocation, playback: Playback | None, changes: Mapping[str, str], journal: str | None
) -> Settings:
    """The settings, changed as asked for. What is played has its own timeframe, and its own journal."""
    changes = {**({"journal.url": url_of(journal)} if journal is not None else {}), **changes}
    if playback is None:
        return invocation.settings(changes)
    changes = {"timeframe": playback.timeframe, **changes}
    settings = invocation.settings(changes)
    if settings.mode == "live":
        raise click.UsageError("--candles is for paper trading only: live orders follow the prices of the exchange")
    if "journal.url" in changes:
        return settings
    return invocation.settings({"journal.url": _journal_of(playback, settings.journal.url), **changes})


def _journal_of(playback: Playback, url: str) -> str:
    """A journal beside another one, for these recordings and no others."""
    path = Path(path_of(url))
    name = f"{path.stem}-candles-{content_of(playback.files)[:8]}{path.suffix}"
    return url_of(str(path.with_name(name)))


def _ask(invocation: Invocation, journal: str | None, request: dict[str, Json]) -> dict[str, Json]:
    url = invocation.settings().journal.url if journal is None else url_of(journal)
    return asyncio.run(control.ask(url, request))


def _decree(invocation: Invocation, journal: str | None, body: Halted | Resumed, said: str) -> int:
    """Have it recorded by the running pipeline, or, where none is running, here."""
    settings = invocation.settings({} if journal is None else {"journal.url": url_of(journal)})
    request: dict[str, Json] = {"do": "resume"}
    if isinstance(body, Halted):
        request = {"do": "halt", "reduce_only": body.reduce_only, "why": body.why}
    try:
        asyncio.run(control.ask(settings.journal.url, request))
    except NotRunning:
        with closing(write_journal(settings.journal.url, mode=settings.mode)) as opened:
            asyncio.run(_commit(opened, body))
        said += " (recorded; no pipeline is running)"
    click.echo(said)
    return 0


async def _commit(journal: Journal, body: Body) -> None:
    await journal.commit([Item(time.time_ns(), (body,))], {})
