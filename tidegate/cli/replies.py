"""The replies of a running pipeline to `send` and `trigger`, in words."""

from __future__ import annotations

from collections.abc import Mapping

import click
import msgspec

from tidegate.domain.events import Halted
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.reason_table import REASONS
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Measure
from tidegate.insight.blockers import waiting_for
from tidegate.insight.explaining import explain
from tidegate.insight.preview import Blocker
from tidegate.sources.control import Json

__all__ = ["print_sent", "print_triggered"]


class _Sent(msgspec.Struct):
    signal_id: str | None
    redelivered: bool = False
    outcome: Outcome | None = None
    reason: Reason | None = None
    measured: Measure = None
    limit: Measure = None
    final: bool = False
    in_s: float | None = None
    rule: str | None = None


def print_sent(reply: Mapping[str, Json]) -> None:
    """Print the outcome so far of a signal that was just sent; if it is not an order, also why and what helps."""
    sent = msgspec.convert(reply, _Sent)
    reason = sent.reason
    if sent.signal_id is None:
        click.echo(f"not accepted: {reason}", err=True)
        return
    if sent.outcome is Outcome.WAITING and reason is not None:
        blocker = Blocker(reason, sent.measured, sent.limit, sent.final, sent.in_s, sent.rule)
        says = f"waiting{' for' if reason is Reason.AWAITING_TICK else ':'} {waiting_for(blocker)}"
    else:
        says = f"{sent.outcome}" + (f", {explain(reason, sent.measured, sent.limit, sent.rule)}" if reason else "")
    click.echo(f"{sent.signal_id} {'already known, ' if sent.redelivered else ''}{says}")
    if reason is not None and reason is not Reason.AWAITING_TICK:
        click.echo(f"fix: {REASONS[reason].remedy}")
    click.echo(f"`why {sent.signal_id}` shows its history")


def print_triggered(reply: Mapping[str, Json]) -> int:
    """Print how many signals can be executed, and what blocks the others; returns the exit code, 1 during a halt."""
    waiting, ready = reply["waiting"], reply["ready"]
    halted = msgspec.convert(reply["halted"], Halted | None)
    if halted is not None:
        what = "only closing orders are sent" if halted.reduce_only else "no orders are sent"
        click.echo(explain(Reason.HALTED, halted.why) + f": {what} until `resume`")
    click.echo(f"executing: {waiting} waiting, {ready} could be executed")
    for name, count in msgspec.convert(reply["blocked"], dict[Reason, int]).items():
        if name is not Reason.HALTED:
            click.echo(f"  {count} blocked: {name} ({REASONS[name].remedy})")
    return int(halted is not None and not halted.reduce_only)
