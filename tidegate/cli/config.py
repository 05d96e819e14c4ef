"""`show-config`: the settings in force."""

from __future__ import annotations

import click

from tidegate.cli.columns import Column
from tidegate.cli.invocation import Invocation, json_option
from tidegate.cli.printing import flattened, print_json, print_table

__all__ = ["show_config"]


@click.command("show-config")
@json_option
@click.pass_obj
def show_config(invocation: Invocation, as_json: bool) -> None:
    """Print the effective settings, wherever they come from, with secrets masked."""
    from tidegate.settings import masked

    values = masked(invocation.settings())
    if as_json:
        print_json(values)
    else:
        print_table((Column("setting"), Column("value", folds=True)), flattened(values))
