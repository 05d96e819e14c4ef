"""Reading what clients send."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from urllib.parse import unquote_plus

import orjson

from tidegate.emulator.wire import Reply

__all__ = ["as_json", "enveloped", "number", "pairs"]


def pairs(text: str) -> dict[str, str]:
    """The parameters of a query or of a form."""
    if not text:
        return {}
    read = dict(pair.partition("=")[::2] for pair in text.split("&"))
    if "%" in text or "+" in text:
        return {name: unquote_plus(value) for name, value in read.items()}
    return read


def number(params: Mapping[str, str], name: str) -> Decimal | None:
    """A parameter's amount or price; None where it was not sent.

    Raises:
        ValueError: it is not a finite number.
    """
    if not (text := params.get(name)):
        return None
    try:
        read = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{name} must be a number, was {text}") from None
    if not read.is_finite():
        raise ValueError(f"{name} must be finite, was {text}")
    return read


def as_json(body: object) -> Reply:
    """An answer of 200."""
    return Reply(orjson.dumps(body))


def enveloped(result: object, now_ms: int) -> Reply:
    """An answer of 200 in Bybit's envelope."""
    return as_json({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now_ms})
