"""`report`: a journal on one page. `replay` prints the same."""

from __future__ import annotations

from contextlib import closing

import click
from msgspec.structs import asdict

from tidegate.cli.columns import Column
from tidegate.cli.invocation import Invocation, journal_option, json_option
from tidegate.cli.printing import flattened, print_json, print_table, print_wrapped
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.money import Results
from tidegate.insight.formatting import count
from tidegate.insight.money import money_in_words
from tidegate.insight.report import report_of, results_in
from tidegate.journal import Verification, verify

__all__ = ["print_report", "report"]

_MONEY = ("money", "fees", "unvalued_fees", "prices")


@click.command()
@journal_option
@json_option
@click.option("--verify", "verified", is_flag=True, help="Check every record against its hash instead.")
@click.pass_obj
def report(invocation: Invocation, journal: str | None, as_json: bool, verified: bool) -> None:
    """Summarise a journal: money, outcomes, whether they balance, reasons, rates, latencies, digest.

    Money is at the prices of the newest trades on record, or of the newest quotes if the run ended in good order.
    With --verify the exit code is 3 if a record is damaged, changed or missing.
    """
    if verified:
        found = verify(invocation.journal_url(journal))
        _print_verification(found, as_json=as_json)
        if found.wrong:
            click.get_current_context().exit(3)
        return
    with closing(invocation.reader(journal)) as reader:
        print_report(report_of(reader), results_in(reader), as_json=as_json)


def print_report(report: dict[str, object], results: Results, *, as_json: bool) -> None:
    """Print the money, the ledger as a sum, and then everything else in the report, line by line."""
    if as_json:
        print_json(report)
        return
    for name, words in money_in_words(results):
        print_wrapped(words, first=f"{name:<10}  ", indent=" " * 12)
    click.echo()
    terms = " + ".join(f"{outcome} {report[outcome]}" for outcome in Outcome)
    received = f"received {report['received']} = "
    print_wrapped(terms, first=received, indent=" " * len(received))
    apart = {"received", "digest", *Outcome, *_MONEY}
    rest = {name: value for name, value in report.items() if name not in apart}
    click.echo()
    rows = [(path, text.strip('"')) for path, text in flattened(rest)]
    print_table((Column("what"), Column("value", folds=True)), rows)
    click.echo(f"digest  {report['digest']}")


def _print_verification(found: Verification, *, as_json: bool) -> None:
    if as_json:
        print_json({"intact": not found.wrong, **asdict(found)})
        return
    for words in found.wrong:
        print_wrapped(words, first="wrong  ", indent=" " * 7)
    if found.wrong:
        click.echo(f"{count(len(found.wrong))} wrong in {count(found.commits)} records")
        return
    click.echo(f"intact: {count(found.commits)} records with {count(found.events)} events, each follows from the last")
    click.echo(f"hash   {found.hash}  (note it elsewhere: it shows later whether all this was rewritten)")
