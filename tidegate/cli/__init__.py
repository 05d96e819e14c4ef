"""What a person or a script can ask for. Each command is loaded when it is called."""

from tidegate.cli.command_line import main

__all__ = ["main"]
