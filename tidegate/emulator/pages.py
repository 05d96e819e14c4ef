"""How an exchange cuts what it lists into pages, under the limits of the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from tidegate.emulator.orders import ExchangeOrder, Trade

__all__ = ["binance_page", "bybit_page", "id_of", "stamp"]

_T = TypeVar("_T", ExchangeOrder, Trade)
_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS


def stamp(one: ExchangeOrder | Trade) -> int:
    """When an order was created or a trade made, in milliseconds: what listings select by."""
    return one.at_ms if isinstance(one, Trade) else one.accepted_at_ms


def id_of(one: ExchangeOrder | Trade) -> int:
    """The exchange's number of an order or of a trade."""
    return int(one.trade_id if isinstance(one, Trade) else one.venue_order_id)


def binance_page(listed: Iterable[_T], params: Mapping[str, str], from_id: str) -> list[_T]:
    """A page of what is listed, oldest first, in the same order.

    The first ones from the id in `from_id` on, or the first since `startTime`, within at most a day; else the newest.
    At most `limit`, 500 by default and never more than 1000.

    Raises:
        ValueError: a parameter is out of its range, or an id comes together with a time.
    """
    limit, first_id = int(params.get("limit", 500)), params.get(from_id)
    since, until = params.get("startTime"), params.get("endTime")
    if not 0 < limit <= 1000:
        raise ValueError(f"limit must be 1 to 1000, was {limit}")
    if first_id is not None:
        if since or until:
            raise ValueError(f"{from_id} must come without startTime and endTime")
        return [one for one in listed if id_of(one) >= int(first_id)][:limit]
    if since is None and until is None:
        return list(listed)[-limit:]
    end = int(until) if until else int(since or 0) + _DAY_MS
    start = int(since) if since else end - _DAY_MS
    if end - start > _DAY_MS:
        raise ValueError("startTime and endTime must be at most 24 hours apart")
    return [one for one in listed if start <= stamp(one) <= end][:limit]


def bybit_page(
    listed: Iterable[_T], params: Mapping[str, str], *, default: int, most: int, now_ms: int, timed: bool = True
) -> tuple[Sequence[_T], str]:
    """A page of what is listed, newest first, in the same order, and the cursor of the next one: it may be empty.

    `timed` listings hold a week at most: after `startTime`, before `endTime`, or the last one.

    Raises:
        ValueError: a parameter is out of its range.
    """
    limit, cursor = int(params.get("limit", default)), params.get("cursor")
    if not 0 < limit <= most:
        raise ValueError(f"limit must be 1 to {most}, was {limit}")
    fits = _within_a_week(params, now_ms) if timed else lambda _: True
    left = [one for one in listed if fits(one) and (cursor is None or id_of(one) < int(cursor))]
    page = left[:limit]
    return page, str(id_of(page[-1])) if len(page) == limit else ""


def _within_a_week(params: Mapping[str, str], now_ms: int) -> Callable[[ExchangeOrder | Trade], bool]:
    since, until = params.get("startTime"), params.get("endTime")
    end = int(until) if until else int(since) + _WEEK_MS if since else now_ms
    start = int(since) if since else end - _WEEK_MS
    if end - start > _WEEK_MS:
        raise ValueError("startTime and endTime must be at most 7 days apart")
    return lambda one: start <= stamp(one) <= end
