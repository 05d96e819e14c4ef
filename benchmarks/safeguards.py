"""What the torture finds when a safeguard is taken out: a copy of the program, without it, has to break the promise.

`python -m benchmarks.safeguards` counts, for each, the runs that break without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.edits import Edit, program_with, tortured

__all__ = ["SAFEGUARDS", "Safeguard"]


@dataclass(frozen=True, slots=True)
class Safeguard:
    """One thing that keeps the promise, and how the program looks without it."""

    name: str
    keeps: str
    edits: tuple[Edit, ...]


_PLACEMENT, _RESOLUTION = "streams/placement.py", "streams/resolution.py"

SAFEGUARDS = (
    Safeguard(
        "lookup",
        "an order without an answer is looked up before anything else is done",
        (Edit(_RESOLUTION, "finding = await _ask(venue, order.request)", 'finding = NotFound(detail="not asked")'),),
    ),
    Safeguard(
        "settle window",
        "not found counts only when the order can no longer arrive, or be hidden",
        (Edit(_RESOLUTION, "and begun_ns >= lookup.closes_ns:", "and begun_ns >= 0:"),),
    ),
    Safeguard(
        "fence",
        "not found is no proof where requests may arrive at any time: a person decides",
        (Edit(_RESOLUTION, "proved=venue is not None and venue.unknown_order_policy.absence_is_proof", "proved=True"),),
    ),
    Safeguard(
        "unknown by default",
        "after any failure of a send, the order may exist",
        (
            Edit(
                _PLACEMENT,
                'return [(order, Unanswered(detail=f"{type(error).__name__}: {error}")) for order in orders]',
                'return [(o, NotPlaced(reason=Reason.NO_ANSWER, detail=f"{error}", final=False)) for o in orders]',
            ),
        ),
    ),
    Safeguard(
        "shield",
        "a cancelled send leaves an order that may exist, and is looked up",
        (
            Edit(
                "operators/bridge.py",
                "except (Exception, asyncio.CancelledError) as error:",
                "except Exception as error:",
            ),
        ),
    ),
    Safeguard(
        "fsync",
        "a commit is on the disk before it is believed",
        (Edit("tidegate/journal/sqlite_file.py", "PRAGMA synchronous = {synchronous}", "PRAGMA synchronous = normal"),),
    ),
    Safeguard(
        "uniqueness",
        "the journal's unique key says whether a signal is new",
        (
            Edit(
                "tidegate/journal/sqlite_tables.py",
                "rows.identities) == len(keys):",
                "rows.identities) <= len(keys):",
            ),
        ),
    ),
    Safeguard(
        "intent first",
        "the intent is committed before the order leaves",
        (
            Edit(
                _PLACEMENT,
                "self._commits.submit_all(intents, self._committed, sends)",
                "self._committed(sends, [Committed(())] * len(sends)); self._commits.submit_all(intents, None, sends)",
            ),
        ),
    ),
    Safeguard(
        "outcome, retried until durable",
        "the commit of an outcome is repeated until it succeeds",
        (
            Edit(
                _PLACEMENT,
                "self._commits.submit_all(items, self._settled, outcomes, must=True)",
                "self._commits.submit_all(items, self._settled, outcomes)",
            ),
        ),
    ),
    Safeguard(
        "time to live at the send",
        "what expired while its intent was committed is not sent",
        (Edit(_PLACEMENT, "elif now_ns >= order.entry.deadline_ns:", "elif False:"),),
    ),
    Safeguard(
        "halt at the send",
        "what a halt overtook is not sent",
        (
            Edit(
                _PLACEMENT, "if halted is not None and not (halted.reduce_only", "if False and not (halted.reduce_only"
            ),
        ),
    ),
    Safeguard(
        "reservation",
        "what an order will spend is set aside before its intent is queued",
        (Edit(_PLACEMENT, "                reserve(request)\n", ""),),
    ),
    Safeguard(
        "closing only",
        "what is sold is what our own trades bought, and no other order sells",
        (Edit("tidegate/domain/terms.py", "closing = min(held, free)", "closing = free"),),
    ),
    Safeguard(
        "trades by their id",
        "a trade is booked once, however often it is reported",
        (Edit("streams/orders.py", "if fill.trade_id not in known]", "]"),),
    ),
    Safeguard(
        "reconciliation",
        "unreported changes of an order are found by comparing",
        (Edit("streams/order_comparison.py", "if not new and status is OrderStatus.OPEN:", "if True:"),),
    ),
    Safeguard(
        "unlisted orders",
        "an open order that no listing shows is looked up, and booked as it is found",
        (Edit("streams/order_comparison.py", "if isinstance(finding, Acknowledged):", "if False:"),),
    ),
    Safeguard(
        "balances at rest",
        "a balance is taken over only where nothing moved between its question and its answer",
        (
            Edit(
                "streams/balance_comparison.py",
                "            if _may_move(currency, more, moving):\n                continue\n",
                "",
            ),
            Edit(
                "streams/balance_comparison.py",
                "if _may_move(currency, more, moving) or moves[currency] != before[currency]:",
                "if False:",
            ),
        ),
    ),
    Safeguard(
        "strangers' orders",
        "orders of others are reported and change nothing else",
        (
            Edit(
                "streams/order_comparison.py",
                "differences.append(stranger)",
                'found.missing.append("strangers")',
            ),
        ),
    ),
    Safeguard(
        "steady time",
        "windows are counted by a clock that cannot be set",
        (
            Edit(
                _RESOLUTION, "self._clock.now_ns() + int(window_s * 1e9)", "self._clock.wall_ns() + int(window_s * 1e9)"
            ),
            Edit(_RESOLUTION, "begun_ns = self._clock.now_ns()", "begun_ns = self._clock.wall_ns()"),
            Edit(
                _RESOLUTION,
                "now_ns = self._lookups, self._clock.now_ns()",
                "now_ns = self._lookups, self._clock.wall_ns()",
            ),
            Edit(
                _RESOLUTION,
                "self._clock.sleep_until(again_ns)",
                "self._clock.sleep_until(self._clock.due_ns(again_ns))",
            ),
        ),
    ),
    Safeguard(
        "whole orders",
        "an order is over only when all its trades are booked",
        (
            Edit(
                "streams/order_comparison.py",
                "status = order.status if whole else OrderStatus.OPEN",
                "status = order.status",
            ),
            Edit("streams/orders.py", "over = whole and update.status", "over = update.status"),
        ),
    ),
    Safeguard(
        "evidence reopens",
        "an order that turns up after it was given up is said, and nothing more is sent",
        (
            Edit(
                "streams/unexpected_orders.py",
                "        if history is None:\n",
                "        if history is not None:\n            return\n        if history is None:\n",
            ),
        ),
    ),
)


@click.command()
@click.option("--seeds", default=24, help="How many worlds.")
def main(seeds: int) -> None:
    """Print a row of a Markdown table for each safeguard."""
    for safeguard in SAFEGUARDS:
        with TemporaryDirectory(prefix="tidegate-") as folder:
            record = tortured(program_with(safeguard.edits, Path(folder)), "--seeds", str(seeds))
        failures = record["failures"]
        broken = len(failures) if isinstance(failures, list) else 0
        click.echo(f"| {safeguard.name} | {safeguard.keeps} | {broken:,} of {record['runs']:,} |")


if __name__ == "__main__":
    main()
