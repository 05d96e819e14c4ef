"""Reading what clients send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from itertools import takewhile
from typing import TypeVar
from urllib.parse import unquote_plus

import orjson

from simulation.exchange.orders import Order, Trade
from simulation.exchange.wire import Reply

__all__ = ["as_json", "enveloped", "newest", "number", "pairs", "stamp"]

_T = TypeVar("_T", Order, Trade)


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


def stamp(one: Order | Trade) -> int:
    """When an order was accepted or a trade made, in milliseconds."""
    return one.at_ms if isinstance(one, Trade) else one.accepted_at_ms


def newest(backwards: Iterable[_T], params: Mapping[str, str], limit: int) -> list[_T]:
    """Of things from the newest to the oldest, those since `startTime`, newest first, at most `limit` of them.

    Where more fit, those after `startTime` come first, as on the exchanges; without it, the newest.
    """
    since = int(params.get("startTime", 0))
    kept = list(takewhile(lambda one: stamp(one) >= since, backwards))
    limit = int(params.get("limit", limit))
    return kept[-limit:] if since else kept[:limit]


def as_json(body: object) -> Reply:
    """An answer of 200."""
    return Reply(orjson.dumps(body))


def enveloped(result: object, now_ms: int) -> Reply:
    """An answer of 200 in Bybit's envelope."""
    return as_json({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now_ms})
