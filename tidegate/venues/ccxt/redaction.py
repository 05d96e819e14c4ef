"""Keeping secrets out of whatever is shown or recorded: ccxt puts signed addresses and headers into its errors."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator
from urllib.parse import quote, quote_plus

from tidegate.domain.text import safe

__all__ = ["LENGTH_MAX", "redact", "redacted"]

LENGTH_MAX = 500
"""Characters that are kept of a text."""

_HIDDEN = "***"
_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_QUERY = re.compile(r"(?<=\?)[^\s'\"<>]+")
_NAMED = re.compile(
    r"""((?<![\w-])(?:[\w-]*(?:api[-_]?key|secret|sign(?!ed|al)|passphrase|password|token|authorization|cookie)[\w-]*)
        ["']?\s*[=:]\s*["']?)(?:(?:Bearer|Basic)\s+)?([^\s"'&,;}]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_KEY_HEADER = re.compile(r"""((?<![\w-])(?:[\w-]+-)key["']?\s*[=:]\s*["']?)([^\s"'&,;}]+)""", re.IGNORECASE)


def redact(text: str, secrets: Collection[str] = ()) -> str:
    """The text without queries of addresses, signatures and keys, and without `secrets` in any form they may take.

    At most `LENGTH_MAX` characters, all of which can be written.
    """
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        text = text.replace(form, _HIDDEN)
    text = _QUERY.sub(_HIDDEN, _USER.sub(_HIDDEN, text))
    text = _KEY_HEADER.sub(rf"\1{_HIDDEN}", _NAMED.sub(rf"\1{_HIDDEN}", text))
    return safe(text, LENGTH_MAX)


def redacted(error: BaseException, secrets: Collection[str] = ()) -> str:
    """An error and its cause, in words that may be shown."""
    cause = f" ({type(error.__cause__).__name__})" if error.__cause__ is not None else ""
    return redact(f"{type(error).__name__}{cause}: {error}", secrets)


def _forms(secret: str) -> Iterator[str]:
    """A secret as it stands, in addresses, in JSON, in base64; of one of many lines, each by itself too."""
    lines = [line for line in secret.splitlines() if len(line) > len("-----BEGIN")] if "\n" in secret else []
    for part in filter(None, [secret, *lines]):
        encoded = [code(part.encode()).decode() for code in (base64.b64encode, base64.urlsafe_b64encode)]
        for form in (part, *encoded, *(form.rstrip("=") for form in encoded)):
            yield from (form, quote(form, safe=""), quote_plus(form), json.dumps(form)[1:-1])
