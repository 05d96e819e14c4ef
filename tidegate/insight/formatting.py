"""Numbers as people read them: short, aligned, without exponents. JSON has them exact, from elsewhere."""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation

__all__ = ["age", "change", "count", "duration", "money", "percent", "plain", "rounded", "rounded_text"]

_TO_THE_CENT = frozenset({"USDT", "USDC", "USD", "EUR", "GBP", "DAI", "FDUSD", "TUSD"})
_CENT, _TEN_THOUSANDTH, _SATOSHI = Decimal("0.01"), Decimal("0.0001"), Decimal("1E-8")
_EXACT = Context(prec=60)
_DIGITS = 6


def count(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def plain(number: Decimal) -> str:
    """`64,123.5`: no more decimals than it has."""
    return f"{_EXACT.normalize(number):,f}"


def rounded(number: Decimal) -> str:
    """A number in six significant digits at most, without cutting what is before its point: `69138`, `0.00144638`."""
    if not number.is_finite() or not number:
        return f"{number:f}"
    places = max(0, _DIGITS - 1 - number.adjusted())
    short = f"{round(number, places):f}"
    return short.rstrip("0").rstrip(".") if "." in short else short


def rounded_text(text: str) -> str:
    """The same for a number in text; any other text is left as it is."""
    try:
        return rounded(Decimal(text))
    except InvalidOperation:
        return text


def money(amount: Decimal, currency: str) -> str:
    """`9,912.40 USDT`, `0.0375 USDT`, `0.021 BTC`: to the cent, a part of one to four decimals, coins to eight."""
    return f"{_amount(amount, currency)} {currency}"


def change(amount: Decimal, currency: str) -> str:
    """`+12.34 USDT`, `-0.001 BTC`, `0.00 USDT`: a gain or a loss."""
    text = money(amount, currency)
    return f"+{text}" if amount > 0 and text.strip("0. " + currency) else text


def percent(part: Decimal, of: Decimal) -> str:
    """`-0.88%`: a gain or a loss on what it was made with."""
    if of <= 0:
        return "-"
    exact = (part / of * 100).quantize(_CENT, context=_EXACT)
    return f"{exact:+}%" if exact else "0.00%"


def _amount(amount: Decimal, currency: str) -> str:
    if currency not in _TO_THE_CENT:
        return plain(amount.quantize(_SATOSHI, context=_EXACT) + 0)
    finest = _CENT if abs(amount) >= 1 or not amount else _TEN_THOUSANDTH
    exact = amount.quantize(finest, context=_EXACT) + 0  # without the sign of a zero
    return f"{exact:,f}" if exact.quantize(_CENT) != exact else f"{exact.quantize(_CENT):,f}"


def age(duration_ns: int) -> str:
    """`0.42 ms`, `12 ms`, `1.2 s`, `35 s`, `2:05`: a duration in three digits."""
    ms = max(duration_ns, 0) / 1e6
    if ms < 9.95:
        return f"{ms:.2g} ms" if ms else "0 ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 9_950:
        return f"{ms / 1000:.1f} s"
    return duration(duration_ns) if ms >= 59_500 else f"{ms / 1000:.0f} s"


def duration(duration_ns: int) -> str:
    """`12 s`, `3:12`, `1:03:12`, `5 d`: whole seconds, the rest counted as one more; from two days on, whole days."""
    minutes, s = divmod(-(-max(duration_ns, 0) // 1_000_000_000), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d"
    if hours:
        return f"{hours}:{minutes:02}:{s:02}"
    return f"{minutes}:{s:02}" if minutes else f"{s} s"
