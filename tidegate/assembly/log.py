"""The log: warnings for the terminal, everything for the file, a signal's every step at debug. Never a secret."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from loguru import logger

from tidegate.assembly.log_file import LogFile, bytes_of
from tidegate.domain.errors import SettingsError
from tidegate.domain.events import Differed, Incident, Recorded, encode_body, kind_of
from tidegate.files.disk_space import words_of
from tidegate.insight.event_lines import EventLine

__all__ = ["log_events", "log_line", "set_up"]

_LINE = "{time:HH:mm:ss} {level: <7} {message}"
_LOGURUS_OWN = 0

_handlers: list[int] = []


def set_up(
    *,
    level: str,
    json_file: str | None,
    rotation: str,
    retention: int,
    environ: Mapping[str, str],
    show: Callable[[str], None] | None = None,
) -> bool:
    """Begin logging; returns whether every step of a signal is to be logged.

    The terminal (`show`, else standard error) gets warnings, and all of it at debug; the file gets lines of JSON from
    `level` on, in rotation. `TIDEGATE_LOG=off` turns both off. What an earlier call began ends; handlers that others
    gave to loguru stay, except loguru's default one.

    Raises:
        SettingsError: the file cannot be written.
    """
    for handler in (_LOGURUS_OWN, *_handlers):
        with suppress(ValueError):
            logger.remove(handler)
    _handlers.clear()
    if environ.get("TIDEGATE_LOG", "").lower() == "off":
        return False
    show = show or _to_stderr
    detailed = logger.level(level).no <= logger.level("DEBUG").no
    shown_from = level if detailed or logger.level(level).no > logger.level("WARNING").no else "WARNING"
    _handlers.append(logger.add(show, level=shown_from, format=_LINE, diagnose=False))
    if json_file is not None:
        try:
            file = LogFile(Path(json_file), largest=bytes_of(rotation), kept=retention, say=show)
        except OSError as error:
            raise SettingsError(
                f"logging.json_file: {json_file} cannot be written: {words_of(error, json_file)}; "
                "name another file, or null"
            ) from error
        _handlers.append(logger.add(file, level=level, serialize=True, diagnose=False))
    return detailed


def log_events(*, detailed: bool) -> Callable[[Sequence[Recorded]], None]:
    """A subscriber of committed events: logs incidents and differences at the level of their severity; where
    `detailed`, every other event at debug."""

    def watch(events: Sequence[Recorded]) -> None:
        for event in events:
            body = event.body
            if isinstance(body, Incident | Differed):
                logger.log(body.severity.upper(), "{}: {}", body.where, " ".join(body.text.split()))
            elif detailed:
                bound = logger.bind(signal_id=event.signal_id) if event.number else logger
                bound.debug("{} {} {}", event.signal_id or "pipeline", kind_of(body), encode_body(body).decode())

    def only_warnings(events: Sequence[Recorded]) -> None:
        watch([event for event in events if not event.number])

    return watch if detailed else only_warnings


def _to_stderr(line: str) -> None:
    sys.stderr.write(line)  # looked up at each line: the live screen puts itself in its place, and prints above


def log_line(line: EventLine) -> None:
    """Log what happened: as a warning, where somebody should look after it."""
    logger.log("WARNING" if line.is_warning else "INFO", "{}", line.text)
