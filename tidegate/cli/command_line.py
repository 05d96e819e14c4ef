"""The command line: its commands, and how their errors end the program.

Exit codes: 0 fine, 1 failure, 2 usage or settings, 3 differences found or something parked, 130 Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from errno import EIO, EPIPE
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Never

import click
from click.shell_completion import CompletionItem

from tidegate.cli.invocation import Invocation
from tidegate.domain.errors import JournalRefused, SettingsError, TidegateError

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "run": ("live", "Run the pipeline, on paper unless the settings say live. The default command."),
    "replay": ("replaying", "Run the pipeline over recorded market data, as fast as it goes."),
    "why": ("why", "Show a signal's full history."),
    "signals": ("tables", "List signals and their outcomes."),
    "orders": ("tables", "List orders."),
    "positions": ("positions", "List what our trades hold and have earned."),
    "report": ("report", "Summarise a journal: outcomes, reasons, latencies, digest."),
    "export": ("export", "Write one line per signal, as JSON lines or CSV."),
    "diagnose": ("diagnose", "Check whether signals can be executed, and if not, why."),
    "reconcile": ("reconciling", "Compare the journal with the venues; exit code 3 if they differ."),
    "resolve": ("reconciling", "Decide whether a parked signal's order was placed."),
    "torture": ("torture", "Kill the pipeline at every point, on faulty venues, and check the promise."),
    "send": ("live", "Send a signal to the running pipeline."),
    "trigger": ("live", "Execute all waiting signals of the running pipeline now."),
    "halt": ("live", "Send no new orders until `resume`."),
    "reduce-only": ("live", "Send only closing orders until `resume`."),
    "resume": ("live", "Allow new orders again."),
    "download": ("download", "Download historical candles from an exchange, for `replay`."),
    "completion": ("completion", "Print a script that completes these commands in a shell."),
    "show-config": ("config", "Print the effective settings, with secrets masked."),
}
"""Each command, in the order of the help: its module in `tidegate.cli`, and what it does."""


class _WrongSetUp(click.ClickException):
    """Settings or a journal that must be corrected first."""

    exit_code = 2


class _Commands(click.Group):
    """Loads a command's module when the command is called, and not before. A command may return its exit code."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        return _load(name) if name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not ctx.resilient_parsing and name not in COMMANDS and not name.startswith("-"):
            near = "".join(f", did you mean {near}?" for near in get_close_matches(name, COMMANDS, n=1))
            raise click.UsageError(f"there is no command {name}{near}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        commands = [
            CompletionItem(name, help=what) for name, (_module, what) in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_module, what) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> None:
        _never_fail_to_encode()
        try:
            try:
                code = super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except (SettingsError, JournalRefused) as error:
            raise _WrongSetUp(str(error)) from error
        except TidegateError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            ctx.exit(130)
        except OSError as error:
            if error.errno in (EPIPE, EIO):
                _let_go(ctx)
            from tidegate.files.disk_space import words_of

            raise click.ClickException(words_of(error, error.filename or Path.cwd() / "output")) from error
        ctx.exit(code or 0)


def _load(name: str) -> click.Command:
    module, _help = COMMANDS[name]
    command: click.Command = getattr(import_module(f"tidegate.cli.{module}"), name.replace("-", "_"))
    return command


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from tidegate.assembly import VERSION

        click.echo(f"tidegate {VERSION}")
        ctx.exit()


def _never_fail_to_encode() -> None:
    r"""Have a terminal that does not know a letter be shown its number, `\xb7`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _let_go(ctx: click.Context) -> Never:
    """The reader of our output has stopped, as `| head` does, or the terminal is gone; the interpreter must find it
    writable at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    ctx.exit(0)


@click.group(cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Settings file; default: settings.json.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda *asked: _version(*asked),
    help="Print the version and exit.",
)
@click.pass_context
def main(ctx: click.Context, settings_path: Path | None) -> object:
    """Tidegate: signals in, orders out, and every signal ends in exactly one recorded outcome."""
    ctx.obj = Invocation(settings_path)
    if ctx.invoked_subcommand is not None:
        return None
    run = _load("run")
    with run.make_context("run", [], parent=ctx) as asked:
        return run.invoke(asked)
