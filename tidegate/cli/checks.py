"""Checks from outside a pipeline, whether one runs or not. Each returns results, and never raises."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from streams.state import State
from tidegate.domain.check_result import CheckResult, Health
from tidegate.domain.errors import JournalRefused, SettingsError, TidegateError
from tidegate.insight.diagnosis import halt_result
from tidegate.insight.formatting import age, count
from tidegate.journal import Checkup, examine, open_journal, path_of
from tidegate.settings import Settings, keys_of
from tidegate.strategies import load

__all__ = ["check_clock", "check_disk", "check_halt", "check_journal", "check_keys", "check_strategies", "free_bytes"]

_OK, _WARNING, _ERROR = Health.OK, Health.WARNING, Health.ERROR
_LITTLE_BYTES, _TOO_LITTLE_BYTES = 1_000_000_000, 100_000_000
_STEP_NS, _BEHIND_NS = 100_000_000, 1_000_000_000
_DAMAGED = "restore it from a backup together with its -wal file, or move it away to start a new one"


def check_strategies(settings: Settings) -> Iterator[CheckResult]:
    """Whether each strategy of the settings can be loaded."""
    strategies = settings.signals.strategies
    wrong = 0
    for strategy in strategies:
        try:
            load(strategy.name, strategy.params)
        except SettingsError as error:
            wrong += 1
            yield CheckResult("strategies", _ERROR, str(error), "correct signals.strategies")
    if not wrong:
        names = ", ".join(strategy.name for strategy in strategies)
        yield CheckResult("strategies", _OK, f"all load: {names}" if names else "none: signals come from outside only")


def check_journal(settings: Settings) -> tuple[CheckResult, Checkup | None]:
    """Whether the journal can be written in the settings' mode, and is intact; and a summary of it."""
    path = Path(path_of(settings.journal.url))
    place = path if path.exists() else _existing(path)
    if not os.access(place, os.W_OK):
        fix = "make it writable for this user, or set journal.url to another place"
        return CheckResult("journal", _ERROR, f"{place} cannot be written", fix), None
    if not path.exists():
        return CheckResult("journal", _OK, f"{path} does not exist yet: the first `run` creates it"), None
    try:
        found = examine(settings.journal.url)
    except JournalRefused as error:
        return CheckResult("journal", _ERROR, str(error), "fix it, or set journal.url to another file"), None
    if found.damage:
        return CheckResult("journal", _ERROR, f"{path} is damaged: {found.damage}", _DAMAGED), None
    if found.mode != settings.mode:
        says = f"{path} is a journal of mode {found.mode}, not {settings.mode}"
        return CheckResult("journal", _ERROR, says, "set journal.url to another file"), found
    since = age(time.time_ns() - found.last_at_ns)
    says = f"{path} is intact: mode {found.mode}, {count(found.events)} events, the last {since} ago"
    return CheckResult("journal", _OK, says), found


def check_halt(journal_url: str) -> Iterator[CheckResult]:
    """The halt recorded in a journal, with which the next pipeline starts; nothing if there is none."""
    try:
        with closing(open_journal(journal_url)) as reader:
            halted = State.of(reader).halted
    except TidegateError:  # the state of the journal has a result of its own
        return
    if halted is not None:
        yield halt_result(halted)


def free_bytes(settings: Settings) -> int:
    """The free disk space where the journal is, in bytes."""
    return shutil.disk_usage(_existing(Path(path_of(settings.journal.url)))).free


def check_disk(free: int) -> CheckResult:
    """Whether `free` bytes are enough to go on recording."""
    says = f"{free / 1e9:,.1f} GB free" if free >= _LITTLE_BYTES else f"{free / 1e6:,.0f} MB free"
    fix = "free some space: without it nothing is recorded, and nothing is sent"
    if free < _TOO_LITTLE_BYTES:
        return CheckResult("disk", _ERROR, says, fix)
    return CheckResult("disk", _WARNING, says, fix) if free < _LITTLE_BYTES else CheckResult("disk", _OK, says)


def check_keys(settings: Settings) -> CheckResult:
    """Whether the traders have the keys they need."""
    traders = ", ".join(trader.id for trader in settings.traders)
    if settings.mode == "paper":
        return CheckResult("keys", _OK, f"trader {traders} needs none on paper")
    try:
        without = [trader.id for trader in settings.traders if not {"API_KEY", "SECRET"} <= keys_of(trader.id).keys()]
    except SettingsError as error:
        return CheckResult("keys", _ERROR, str(error), "set each key of a trader in one place only")
    if without:
        fix = "set TIDEGATE_TRADER_<ID>_API_KEY and _SECRET, in the environment or in .env"
        return CheckResult("keys", _ERROR, f"trader {', '.join(without)} has no keys", fix)
    return CheckResult("keys", _OK, f"trader {traders} has them")


def check_clock(*, now_ns: int, last_event_ns: int, wall_passed_ns: int, monotonic_passed_ns: int) -> CheckResult:
    """Whether the wall clock goes forward, and as fast as the monotonic one."""
    step_ns, behind_ns = abs(wall_passed_ns - monotonic_passed_ns), last_event_ns - now_ns
    fix = "synchronise the machine's clock by NTP: the age of signals is measured by it"
    if behind_ns > _BEHIND_NS:
        return CheckResult("clock", _ERROR, f"the wall clock is {age(behind_ns)} behind the journal's last event", fix)
    if step_ns > _STEP_NS:
        return CheckResult("clock", _WARNING, f"the wall clock was set by {age(step_ns)} just now", fix)
    return CheckResult("clock", _OK, "the wall clock and the monotonic clock agree")


def _existing(path: Path) -> Path:
    return next(parent for parent in path.resolve().parents if parent.exists())
