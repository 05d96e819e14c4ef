"""`completion`: a script with which a shell completes commands, options and their values."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["completion"]

_PROGRAM, _VARIABLE = "tidegate", "_TIDEGATE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes the words of `tidegate` in a shell.

    \b
    bash, in ~/.bashrc:   eval "$(tidegate completion bash)"
    zsh, in ~/.zshrc:     eval "$(tidegate completion zsh)"
    fish:                 tidegate completion fish > ~/.config/fish/completions/tidegate.fish
    """
    script = get_completion_class(shell)
    if script is None:
        raise click.ClickException(f"this version of click cannot complete in {shell}")
    click.echo(script(ctx.find_root().command, {}, _PROGRAM, _VARIABLE).source())
