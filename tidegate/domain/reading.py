"""Reading a signal: bytes in, a signal or a refusal out, never an exception."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from numbers import Integral, Real
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from tidegate.domain.identity import by_value, hash_of_content, keyed_id
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Raw, Side, Signal
from tidegate.domain.text import encodable
from tidegate.domain.verdict import Refusal

__all__ = ["MAX_SIGNAL_BYTES", "raw_of", "read_signal"]

MAX_SIGNAL_BYTES = 16 * 1024
_MAX_DIGITS = 38
_MAX_EXPONENT = 18
_LATEST_MS = 9_000_000_000_000  # the year 2255: nanoseconds still fit 64 bits

_Fraction = Annotated[float, Meta(ge=0, le=1)]
_Name = Annotated[str, Meta(min_length=1, max_length=256)]


class _SignalFields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The fields a sender may write."""

    symbol: Annotated[str, Meta(min_length=3, max_length=64)]
    side: Literal["buy", "sell"] | None = None
    type: Literal["BUY", "SELL", "buy", "sell"] | None = None
    strength: _Fraction
    timestamp: int | float | str
    source: _Name | None = None
    key: _Name | None = None
    confidence: _Fraction | None = None
    price: Decimal | None = None
    order_type: OrderType | None = None
    ttl_s: Annotated[float, Meta(gt=0, le=30 * 86_400)] | None = None
    quantity: Decimal | None = None
    trader: _Name | None = None
    tags: Annotated[tuple[Annotated[str, Meta(max_length=256)], ...], Meta(max_length=32)] = ()


class _Legible(Struct, frozen=True, gc=False):
    """Of a line that is no signal, what names it."""

    symbol: object = None
    source: object = None
    key: object = None


_decode = msgspec.json.Decoder(_SignalFields).decode
_decode_legible = msgspec.json.Decoder(_Legible).decode
_encode = msgspec.json.Encoder().encode
_SIDES = {"buy": Side.BUY, "BUY": Side.BUY, "sell": Side.SELL, "SELL": Side.SELL}


class _Unreadable(ValueError):
    """What is wrong with a line, in words that name the field."""


def read_signal(raw: Raw, at_ns: int) -> tuple[Signal, Refusal | None]:
    """Read one signal as it was sent, received at `at_ns`, unless it was read before.

    Never raises. What cannot be read comes back as a signal without content, its id the hash of the raw bytes, with a
    refusal that names the field; its symbol, source and key are those of the line where these can be read, and else
    empty. Of more than 16 KiB only the first 16 are kept.
    """
    if raw.signal is not None:
        return raw.signal, None
    payload = raw.payload
    try:
        if len(payload) > MAX_SIGNAL_BYTES:
            raise _Unreadable(f"{len(payload)} bytes - at `$`")
        line = _decode(payload)
        return _understand(line, raw, at_ns), None
    except (msgspec.MsgspecError, UnicodeDecodeError, _Unreadable) as wrong:
        content = hash_of_content(payload)
        kept = payload[:MAX_SIGNAL_BYTES]
        limit = f"at most {MAX_SIGNAL_BYTES} bytes" if kept is not payload and len(kept) < len(payload) else None
        symbol, source, key = _named(kept)
        unread = Signal(
            id=content.hex(),
            content=content,
            raw=kept,
            symbol=symbol,
            source=source,
            key=key,
            generated=raw.generated,
        )
        return unread, Refusal(Reason.MALFORMED, measured=str(wrong), limit=limit)


def raw_of(said: object) -> Raw:
    """A signal given as a mapping of its fields, as the bytes that a sender would have sent; a `Raw` is left as it is.

    Never raises: what no sender could write, such as NaN, comes out such that reading it refuses it and names the
    field. `"now"` may be its timestamp.
    """
    if isinstance(said, Raw):
        return said
    if not isinstance(said, Mapping):
        return Raw(_described(said), may_say_now=True)
    try:
        fields = {name: _finite(value) for name, value in said.items()}
        payload = msgspec.json.encode(fields, enc_hook=_plain)
    except Exception:
        payload = _described(said)
    return Raw(payload, may_say_now=True)


def _finite(value: object) -> object:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else _number(value)


def _plain(value: object) -> object:
    """What JSON has no notation for: numbers of other types as numbers, everything else as its text."""
    plain = _number(value)
    return encodable(str(value)) if plain is value else plain


def _number(value: object) -> object:
    if isinstance(value, bool | int | str) or not isinstance(value, Real):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def _described(said: object) -> bytes:
    try:
        return encodable(repr(said)).encode()
    except Exception:
        return f"a {type(said).__name__}".encode()


def _named(payload: bytes) -> tuple[str, str, str | None]:
    """Symbol, source and key of a line that is no signal, where they can be read."""
    try:
        line = _decode_legible(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "", "", None
    return _text(line.symbol, 64) or "", _text(line.source, 256) or "", _text(line.key, 256)


def _text(said: object, longest: int) -> str | None:
    return said if isinstance(said, str) and 0 < len(said) <= longest else None


def _understand(line: _SignalFields, raw: Raw, at_ns: int) -> Signal:
    symbol, strength, key, confidence = line.symbol, line.strength, line.key, line.confidence
    price, quantity, said_at, source = line.price, line.quantity, line.timestamp, line.source or "unnamed"
    side = _side(line) if line.side is None or line.type is not None else _SIDES[line.side]
    if not _is_unified(symbol):
        raise _Unreadable(f"Expected a unified symbol such as BTC/USDT, got {symbol!r} - at `$.symbol`")
    if price is not None:
        _must_be_an_amount("price", price)
    if quantity is not None:
        _must_be_an_amount("quantity", quantity)
    timestamp_ns = at_ns
    if type(said_at) is not int or not 0 < said_at < _LATEST_MS:
        timestamp_ms = _timestamp_ms(line, raw, at_ns)
        if said_at != "now":
            said_at, timestamp_ns = timestamp_ms, timestamp_ms * 1_000_000
    else:
        timestamp_ns = said_at * 1_000_000
    as_written = b""
    said = (symbol, side, strength, said_at, source, key, confidence, price, line.order_type, line.ttl_s, quantity,
            line.trader, line.tags)  # fmt: skip
    if price is not None or quantity is not None:
        written = said
        said = (*said[:7], _by_value(price), *said[8:10], _by_value(quantity), *said[11:])
        if str(said[7]) != str(price) or str(said[10]) != str(quantity):
            as_written = hash_of_content(_encode(written))
    content = hash_of_content(_encode(said))
    return Signal(  # in the order of its fields: to name each of them would cost as much as reading the line
        content.hex() if key is None else keyed_id(source, key),
        content,
        raw.payload,
        symbol,
        side,
        strength,
        strength if confidence is None else confidence,
        timestamp_ns,
        source,
        key,
        price,
        line.order_type,
        line.ttl_s,
        quantity,
        line.trader,
        line.tags,
        raw.generated,
        as_written,
    )


def _by_value(number: Decimal | None) -> Decimal | None:
    return None if number is None else by_value(number)


@lru_cache(maxsize=4096)
def _is_unified(symbol: str) -> bool:
    return "/" in symbol[1:-1] and not any(letter.isspace() for letter in symbol)


def _side(line: _SignalFields) -> Side:
    side, alias = line.side, line.type
    if side is None and alias is None:
        raise _Unreadable("Object missing required field `side`")
    if side is not None and alias is not None and _SIDES[side] is not _SIDES[alias]:
        raise _Unreadable(f"`side` says {side}, `type` says {alias} - at `$.type`")
    return _SIDES[side or alias or ""]


def _must_be_an_amount(name: str, number: Decimal) -> None:
    if not number.is_finite() or number <= 0:
        raise _Unreadable(f"Expected a number above 0, got {str(number)[:40]} - at `$.{name}`")
    if len(number.as_tuple().digits) > _MAX_DIGITS or abs(number.adjusted()) > _MAX_EXPONENT:
        raise _Unreadable(f"Expected at most {_MAX_DIGITS} digits within 1E±{_MAX_EXPONENT} - at `$.{name}`")


def _timestamp_ms(line: _SignalFields, raw: Raw, at_ns: int) -> int:
    said = line.timestamp
    if isinstance(said, str):
        if said == "now":
            if not raw.may_say_now:
                raise _Unreadable('"now" is for files and standard input only - at `$.timestamp`')
            if line.key is None:
                raise _Unreadable('"now" needs a `key`, or a redelivery would be a new signal - at `$.timestamp`')
            return at_ns // 1_000_000
        return _from_iso(said)
    if isinstance(said, float) and not math.isfinite(said):
        raise _Unreadable(f"Expected milliseconds, got {said} - at `$.timestamp`")
    if not 0 < said < _LATEST_MS:
        raise _Unreadable(f"Expected milliseconds since 1970, got {said} - at `$.timestamp`")
    return int(said)


def _from_iso(said: str) -> int:
    try:
        moment = datetime.fromisoformat(said)
        if moment.tzinfo is None:
            raise _Unreadable(f"Expected a zone, such as {said[:32]}Z - at `$.timestamp`")
        milliseconds = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError) as wrong:
        if isinstance(wrong, _Unreadable):
            raise
        raise _Unreadable(f"Expected ISO 8601 or milliseconds, got {said[:40]!r} - at `$.timestamp`") from wrong
    if not 0 < milliseconds < _LATEST_MS:
        raise _Unreadable(f"Expected a moment since 1970, got {said[:40]} - at `$.timestamp`")
    return milliseconds
