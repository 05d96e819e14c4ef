"""The log of a running pipeline, as the settings have it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from reactivex import Observable

from streams.engine import Engine
from tidegate.assembly.log import log_events, log_line, set_up
from tidegate.insight.event_lines import EventLine, EventLines
from tidegate.insight.telemetry import Telemetry
from tidegate.journal import open_journal, path_of
from tidegate.settings import Settings
from tidegate.settings.loading import DOTENV_PATH
from tidegate.settings.sources import read_environment

__all__ = ["Following", "begin_log"]


def begin_log(
    settings: Settings,
    *,
    environ: Mapping[str, str] = os.environ,
    dotenv: Path = DOTENV_PATH,
) -> bool:
    """Begin logging, to standard error and the file of the settings; gives whether every step is logged.

    `TIDEGATE_LOG=off`, in the environment or in `dotenv`, turns it off.

    Raises:
        SettingsError: the log's file cannot be written.
    """
    logging = settings.logging
    return set_up(
        level=logging.level,
        json_file=logging.json_file,
        rotation=logging.rotation,
        retention=logging.retention,
        environ={name: text for name, (text, _) in read_environment(environ, dotenv).items()},
    )


class Following:
    """Observes a pipeline: its telemetry, and a line for each thing that happens, which is logged and emitted.

    Signals are read through a connection of their own, so that no reader waits for a commit that is under way.
    """

    def __init__(self, engine: Engine, journal_url: str, *, detailed: bool) -> None:
        self._reader = open_journal(journal_url) if path_of(journal_url) != ":memory:" else None
        history = (self._reader or engine.journal).history
        self.telemetry = Telemetry.of(engine)
        commits = engine.parts.commits
        self._lines = EventLines(history, clock=engine.parts.clock, failing=lambda: commits.failing)
        self.lines: Observable[EventLine] = self._lines.lines
        self.lines.subscribe(log_line)
        engine.observe("the log", log_events(detailed=detailed))
        engine.observe("the lines", self._lines.watch)

    def stop(self) -> None:
        """End it, behind the pipeline's own end."""
        self._lines.stop()
        if self._reader is not None:
            self._reader.close()
