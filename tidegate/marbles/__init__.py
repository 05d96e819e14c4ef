"""Marble diagrams: streams written as text, tested in virtual time, drawn as pictures."""

from tidegate.marbles.harness import MarbleError, Marbles
from tidegate.marbles.notation import NotationError
from tidegate.marbles.recording import Entry, Kind, Recording, record
from tidegate.marbles.samples import outcome_letter, signal
from tidegate.marbles.source import Source

__all__ = [
    "Entry",
    "Kind",
    "MarbleError",
    "Marbles",
    "NotationError",
    "Recording",
    "Source",
    "outcome_letter",
    "record",
    "signal",
]
