"""Marble diagrams: streams written as text, tested in virtual time, drawn as pictures."""

from marbles.harness import MarbleError, Marbles
from marbles.notation import NotationError
from marbles.recording import Entry, Kind, Recording, record
from marbles.samples import outcome_letter, signal
from marbles.source import Source

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
