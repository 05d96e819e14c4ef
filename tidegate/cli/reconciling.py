"""Orders compared with the venues, or decided by a person: reconcile, resolve."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing

import click
import msgspec

from tidegate.assembly import open_live
from tidegate.cli.invocation import Invocation, json_option
from tidegate.cli.printing import print_json, print_table
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.difference import Difference
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.order import OrderStatus
from tidegate.domain.ports import Item, Journal, SignalHistory
from tidegate.domain.reasons import Reason
from tidegate.domain.signal_summary import line_of
from tidegate.domain.text import safe
from tidegate.journal import write_journal
from tidegate.settings import Settings
from tidegate.sources import control
from tidegate.sources.control import NotRunning

__all__ = ["reconcile", "resolve"]

_DIFFERENCES = 3
_PATIENCE_S = 300.0
_BY_HAND = "resolved by hand: not placed"


@click.command()
@click.argument("id")
@click.option("--placed", metavar="VENUE_ID", help="The venue has the order, under this id.")
@click.option("--not-placed", is_flag=True, help="The venue never had it, and never will.")
@click.pass_obj
def resolve(invocation: Invocation, id: str, placed: str | None, not_placed: bool) -> int:
    """Decide whether the order of a parked or unknown signal was placed.

    ID is what `why` takes. Look the order up on the venue first: your answer is final.
    """
    if (placed is None) == (not not_placed):
        raise click.UsageError("give either --placed VENUE_ID or --not-placed")
    placed = None if placed is None else safe(placed)
    settings = invocation.settings()
    with closing(invocation.reader(None)) as reader:
        histories = [history for history in reader.find_histories(id) if _is_open(history)]
    if len(histories) != 1:
        raise click.ClickException(f"{id} is not the name of one signal that is parked or unknown: see `why {id}`")
    (history,) = histories
    request: dict[str, control.Json] = {"do": "resolve", "number": history.number}
    try:
        reply = asyncio.run(control.ask(settings.journal.url, request | ({} if placed is None else {"placed": placed})))
    except NotRunning:
        _record(settings, history, placed)
    else:
        if not reply["resolved"]:
            raise click.ClickException(f"{id} has been decided in the meantime: see `why {id}`")
    outcome = f"placed, as {placed}" if placed else "failed: not placed"
    click.echo(f"{history.signal_id} is {outcome}")
    return 0


@click.command()
@click.option("--fix", is_flag=True, help="Correct the journal by the venues, as the running pipeline does anyway.")
@click.option("--adopt", multiple=True, metavar="ID", help="Book an order of ours that is missing from the journal.")
@click.option("--ignore", multiple=True, metavar="ID", help="Ignore an order from now on.")
@json_option
@click.pass_obj
def reconcile(invocation: Invocation, fix: bool, adopt: tuple[str, ...], ignore: tuple[str, ...], as_json: bool) -> int:
    """Compare the journal with the venues and print the differences; exit code 3 if any remain.

    Orders on the account that are not ours are listed, but are not differences. ID is an order's id in that list.
    """
    settings = invocation.settings()
    asked: dict[str, control.Json] = {"do": "reconcile", "fix": fix, "adopt": list(adopt), "ignore": list(ignore)}
    try:
        reply = asyncio.run(control.ask(settings.journal.url, asked, patience_s=_PATIENCE_S))
        differences: Sequence[Difference] = msgspec.convert(reply["differences"], list[Difference])
        unavailable: Sequence[str] = msgspec.convert(reply["unavailable"], list[str])
    except NotRunning:
        if fix or adopt or ignore:
            raise click.ClickException("no pipeline is running: start one with `run`, then try again") from None
        differences, unavailable = asyncio.run(_compared(settings))
    remaining = any(difference.remains for difference in differences) or bool(unavailable)
    if as_json:
        print_json({"differences": differences, "unavailable": unavailable, "agreed": not remaining})
        return _DIFFERENCES if remaining else 0
    for words in unavailable:
        click.echo(f"could not be compared: {words}", err=True)
    if differences:
        columns = ("trader", "what", "of", "ours", "theirs", "settled")
        rows = ((d.trader, d.kind.value, d.what, d.ours, d.theirs, _settled(d)) for d in differences)
        print_table(columns, rows)
        for d in differences:
            if d.remedy:
                click.echo(f"{d.what}: {d.remedy}")
    if not remaining:
        click.echo("the journal and the venues agree")
    return _DIFFERENCES if remaining else 0


def _settled(difference: Difference) -> str:
    return "yes" if difference.applied else "NO" if difference.remains else "not ours"


def _is_open(history: SignalHistory) -> bool:
    return line_of(history).outcome in (Outcome.PARKED, Outcome.UNKNOWN)


def _record(settings: Settings, history: SignalHistory, placed: str | None) -> None:
    order_id = next(b.client_order_id for b in (x.body for x in reversed(history.events)) if isinstance(b, e.Intent))
    body: e.Body = e.Failed(client_order_id=order_id, reason=Reason.BY_HAND, detail=_BY_HAND)
    if placed is not None:
        body = e.Placed(client_order_id=order_id, venue_order_id=placed, status=OrderStatus.OPEN)
    item = Item(time.time_ns(), (body,), history.number, history.signal_id, done=placed is None)
    with closing(write_journal(settings.journal.url, mode=settings.mode)) as journal:
        asyncio.run(_commit(journal, item))


async def _commit(journal: Journal, item: Item) -> None:
    await journal.commit([item], {})


async def _compared(settings: Settings) -> tuple[Sequence[Difference], Sequence[str]]:
    engine, _ = await open_live(settings, Clock.live(asyncio.get_running_loop()))
    try:
        return await engine.differences(apply=False)
    finally:
        await engine.stop()
