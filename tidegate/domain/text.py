"""Text from outside, made such that every file, socket and terminal takes it."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["LONGEST", "encodable", "printable", "safe", "words_of"]

LONGEST = 1000
"""Characters that are kept of a text, where nothing else is said."""


def encodable(text: str) -> str:
    r"""The text, with characters that UTF-8 cannot encode written out.

    Bytes that are no UTF-8, in arguments and names of files, become `\xfc`; other lone surrogates, which JSON can
    spell, `\ud83d`.
    """
    if text.isascii():
        return text
    try:
        return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace").decode()


def printable(text: str) -> str:
    """The text, with characters that could control a terminal escaped: others wrote it."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def safe(text: str, longest: int = LONGEST) -> str:
    """The text, encodable, and cut at `longest` characters, with a `…` for the rest."""
    kept = encodable(text[: longest + 1])
    return kept if len(kept) <= longest else f"{kept[: longest - 1]}…"


def words_of(error: BaseException, as_text: Callable[[BaseException], str] = str) -> str:
    """What an error says, safe; of a class of somebody else's, which may fail at that too, only its name."""
    try:
        return safe(as_text(error))
    except Exception:
        return f"{type(error).__name__}, which cannot say what"
