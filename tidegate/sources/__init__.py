"""Where signals and requests come in from outside: files, standard input, the socket."""

from tidegate.sources.opening import STANDARD_INPUT, SignalSource, open_source

__all__ = ["STANDARD_INPUT", "SignalSource", "open_source"]
