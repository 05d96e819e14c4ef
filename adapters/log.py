"""The log: warnings for the terminal, everything for the file, a signal's every step at debug. Never a secret."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from loguru import logger

from domain.errors import SettingsError
from domain.events import Banned, Faulted, Gap, Halted, Recorded, TurnedAway, encode_body, kind_of
from domain.moment import iso_of

__all__ = ["log_events", "set_up"]

_LINE = "{time:HH:mm:ss} {level: <7} {message}"


def set_up(
    *,
    level: str,
    json_file: str | None,
    rotation: str,
    retention: int,
    environ: Mapping[str, str],
    show: Callable[[str], None] | None = None,
) -> bool:
    """Begin logging, and tell whether every step of a signal is to be logged.

    The terminal (`show`, else standard error) gets warnings, and all of it at debug; the file gets lines of JSON from
    `level` on, in rotation. `THROUGHLINE_LOG=off` turns both off.

    Raises:
        SettingsError: the file cannot be written.
    """
    logger.remove()
    if environ.get("THROUGHLINE_LOG", "").lower() == "off":
        return False
    detailed = logger.level(level).no <= logger.level("DEBUG").no
    shown_from = level if detailed or logger.level(level).no > logger.level("WARNING").no else "WARNING"
    logger.add(show or sys.stderr, level=shown_from, format=_LINE, diagnose=False)
    if json_file is not None:
        try:
            Path(json_file).parent.mkdir(parents=True, exist_ok=True)
            logger.add(json_file, level=level, serialize=True, rotation=rotation, retention=retention, diagnose=False)
        except OSError as error:
            raise SettingsError(
                f"logging.json_file: {json_file} cannot be written: {error.strerror}; name another file, or null"
            ) from error
    return detailed


def log_events(*, detailed: bool) -> Callable[[Sequence[Recorded]], None]:
    """A subscriber of committed events. Faults, gaps, halts and what was turned away are warnings.

    Where `detailed`, every other event is logged at debug.

    A signal costs no line above debug: the journal is its trace.
    """

    def watch(events: Sequence[Recorded]) -> None:
        for event in events:
            body = event.body
            if isinstance(body, Faulted):
                logger.warning("{}: {}", body.where, " ".join(body.error.split()))
            elif isinstance(body, Gap):
                logger.warning("{}: no news for {:g} s", body.where, body.silent_s)
            elif isinstance(body, Halted):
                logger.warning("halted: {}", body.why)
            elif isinstance(body, Banned):
                logger.warning("{} wants to be left alone until {}", body.address, iso_of(body.until_ns))
            elif isinstance(body, TurnedAway):
                logger.warning("{} signals were turned away: {}", body.count, body.reason)
            elif detailed:
                bound = logger.bind(signal_id=event.signal_id) if event.number else logger
                bound.debug("{} {} {}", event.signal_id or "pipeline", kind_of(body), encode_body(body).decode())

    def only_warnings(events: Sequence[Recorded]) -> None:
        watch([event for event in events if not event.number])

    return watch if detailed else only_warnings
