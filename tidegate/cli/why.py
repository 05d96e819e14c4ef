"""`why`: one signal's full history."""

from __future__ import annotations

from contextlib import closing

import click

from tidegate.cli.blockers import blockers_of
from tidegate.cli.invocation import Invocation, journal_option, json_option
from tidegate.cli.printing import emphasised, faint, print_json, print_wrapped
from tidegate.domain.text import printable
from tidegate.insight.history import HistoryText, history_text, when_and_what

__all__ = ["why"]

_INDENT = 12


@click.command()
@click.argument("id")
@journal_option
@json_option
@click.pass_obj
def why(invocation: Invocation, id: str, journal: str | None, as_json: bool) -> None:
    """Show a signal's full history: every event, what was measured, and what the venue answered.

    ID is a signal's id or the beginning of it, its key, or the id of one of its orders: ours or the venue's.
    """
    with closing(invocation.reader(journal)) as reader:
        histories = reader.find_histories(id)
        blockers = blockers_of(reader, invocation.journal_url(journal), histories)
    texts = [history_text(history, blockers) for history in histories]
    if as_json:
        print_json([history.as_json() for history in texts])
        return
    for index, history in enumerate(texts):
        if index:
            click.echo()
        _print(history)


def _print(history: HistoryText) -> None:
    click.echo(emphasised(history.title))
    for label, words in history.facts:
        lead = f"{faint(label)}{' ' * (_INDENT - len(label))}"
        print_wrapped(words, first=lead, indent=" " * _INDENT, after=" ," if words is history.raw else " ")
    click.echo()
    leads = [when_and_what(step) for step in history.steps]
    indent = max(map(len, leads))
    for lead, step in zip(leads, history.steps, strict=True):
        first = f"{faint(lead)}{' ' * (indent - len(lead))}"
        print_wrapped(printable(step.words), first=first, indent=" " * indent)
