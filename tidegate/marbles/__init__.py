"""Marble diagrams: streams written as text, tested in virtual time, drawn as pictures."""

from tidegate.marbles.harness import MarbleError, Marbles
from tidegate.marbles.notation import NotationError
from tidegate.marbles.recording import Notification, NotificationKind, Recording, record
from tidegate.marbles.samples import outcome_letter, signal
from tidegate.marbles.source import MarbleSource

__all__ = [
    "MarbleError",
    "MarbleSource",
    "Marbles",
    "NotationError",
    "Notification",
    "NotificationKind",
    "Recording",
    "outcome_letter",
    "record",
    "signal",
]
