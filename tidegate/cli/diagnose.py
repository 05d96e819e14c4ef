"""`diagnose`: whether signals can be executed, and if not, why, and what helps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

import click
import msgspec

from tidegate.assembly import examine_venues
from tidegate.cli.checks import (
    check_clock,
    check_disk,
    check_halt,
    check_journal,
    check_keys,
    check_strategies,
    free_bytes,
)
from tidegate.cli.invocation import Invocation, json_option
from tidegate.cli.printing import print_json, print_wrapped
from tidegate.domain.check_result import CheckResult, Health, blocking
from tidegate.domain.errors import SettingsError, TidegateError
from tidegate.domain.text import printable
from tidegate.journal import writer_of
from tidegate.sources.control import ask

__all__ = ["diagnose"]

_COLOURS = {Health.OK: "green", Health.WARNING: "yellow", Health.ERROR: "red"}


@click.command()
@json_option
@click.pass_obj
def diagnose(invocation: Invocation, as_json: bool) -> int:
    """Check whether signals can be executed, and if not, why; exit code 1 if they cannot."""
    findings = list(_findings(invocation))
    wrong = bool(blocking(findings))
    if as_json:
        print_json({"ready": not wrong, "findings": findings})
    else:
        _print(findings)
    return int(wrong)


def _findings(invocation: Invocation) -> Iterator[CheckResult]:
    wall_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
    try:
        settings = invocation.settings()
    except SettingsError as error:
        yield CheckResult("settings", Health.ERROR, str(error), "correct them first: nothing else can be checked")
        return
    symbols = ", ".join(settings.symbols)
    yield CheckResult("settings", Health.OK, f"valid: {settings.mode}, {settings.timeframe} candles of {symbols}")
    yield from check_strategies(settings)
    journal, found = check_journal(settings)
    yield journal
    yield check_disk(free_bytes(settings))
    yield check_keys(settings)
    now_ns = time.time_ns()
    yield check_clock(
        now_ns=now_ns,
        last_event_ns=found.last_at_ns if found is not None else 0,
        wall_passed_ns=now_ns - wall_ns,
        monotonic_passed_ns=time.monotonic_ns() - monotonic_ns,
    )
    if settings.mode == "live":
        yield from asyncio.run(examine_venues(settings))
    yield from _running(settings.journal.url)


def _running(journal_url: str) -> Iterator[CheckResult]:
    """What the pipeline that writes the journal finds of itself."""
    writer = writer_of(journal_url)
    if writer is None:
        yield CheckResult("running", Health.ERROR, "no pipeline writes this journal", "start one: `run`")
        yield from check_halt(journal_url)
        return
    try:
        reply = asyncio.run(ask(journal_url, {"do": "diagnose"}))
    except TidegateError as error:
        says = f"process {writer} writes the journal, but does not respond: {error}"
        yield CheckResult("running", Health.ERROR, says, f"try again, or stop process {writer} and `run` again")
        return
    yield CheckResult("running", Health.OK, f"process {writer}")
    yield from msgspec.convert(reply["findings"], list[CheckResult])


def _print(findings: Sequence[CheckResult]) -> None:
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        verdict = click.style(f"{finding.verdict:<8}", fg=_COLOURS[finding.verdict])
        indent = " " * (width + 11)
        first = f"{verdict} {printable(finding.subject):<{width}}  "
        for line in finding.says.splitlines():
            print_wrapped(printable(line), first=first, indent=indent)
            first = indent
        if finding.fix:
            print_wrapped(finding.fix, first=f"{indent}fix: ", indent=f"{indent}     ")
    errors = len(blocking(findings))
    warnings = sum(finding.verdict is Health.WARNING for finding in findings)
    click.echo(f"{'not ready' if errors else 'ready'}: errors {errors}, warnings {warnings}")
