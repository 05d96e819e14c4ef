"""Asking a venue for what changes nothing there: each read bounded, retried, and checked for its form."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tidegate.clock import Clock
from tidegate.domain.errors import SettingsError, VenueUnavailable
from tidegate.venues.ccxt.address import PRIORITY, TURN_S, Priority
from tidegate.venues.ccxt.answers import says_not_found
from tidegate.venues.ccxt.calls import ExchangeCall, recorded
from tidegate.venues.ccxt.connection import VenueConnection
from tidegate.venues.ccxt.forms import Content, MalformedAnswer
from tidegate.venues.ccxt.paging import Onward, Paging

__all__ = ["Ask", "NoSuchOrder", "Pages", "Reads", "bounded"]

_HANGS_S = 5.0
_TRIES = 3
_RETRY_S = 0.25
_FAILED_IN_A_ROW = 3
_PAGES_MAX = 100
_NOT_AGAIN = frozenset(
    {"AuthenticationError", "PermissionDenied", "AccountSuspended", "BadSymbol", "NotSupported", "ArgumentsRequired"}
    | {"InvalidNonce"}  # the clock was corrected already, and the request made again
)
_LEAVE_ALONE = frozenset({"RateLimitExceeded", "DDoSProtection", "LeftAlone"})
_SENT_AWAY = frozenset({403, 418, 429})

Ask = Callable[[int | None, int | None, Mapping[str, Any]], Awaitable[Any]]
"""Asks for a page: since when in ms, at most how many, and with which parameters."""


async def bounded(work: Awaitable[Any], connection: VenueConnection) -> Any:
    """What `work` gives; ccxt's own timeout covers neither a silent connection nor a read's wait for its turn."""
    turn_s = 0.0 if PRIORITY.get() is Priority.ORDER else TURN_S
    async with asyncio.timeout(turn_s + connection.timeout_ms / 1000 + _HANGS_S):
        return await work


class NoSuchOrder(VenueUnavailable):
    """The venue says, in the code that is declared for it, that it has no such order."""


class Pages(Struct, frozen=True):
    """What a listing gave. `missing` says what could not be read of it, None where nothing is missing."""

    items: Sequence[Any]
    missing: str | None = None


class Reads:
    """The reads of one purpose: a comparison, or a lookup.

    A read that fails is tried three times, after a quarter and half a second, unless trying again is useless. Once the
    venue wants to be left alone, or three reads in a row have failed, nothing more is asked. Memory: what was read.
    """

    def __init__(self, connection: VenueConnection, *, clock: Clock) -> None:
        self._connection, self._clock = connection, clock
        self._failed_in_a_row = 0
        self._stopped = ""
        self.answered = 0

    async def read(self, what: str, content: Content, ask: Callable[[], Awaitable[Any]]) -> Any:
        """What ccxt made of the answer, once that has the venue's form.

        Raises:
            NoSuchOrder: the venue says that there is none.
            VenueUnavailable: the answer has another form, or none came.
        """
        return (await self._read(what, content, ask))[0]

    async def listing(
        self,
        what: str,
        content: Content,
        ask: Ask,
        paging: Paging,
        *,
        since_ms: int | None = None,
        enough: Callable[[Sequence[Any]], bool] | None = None,
    ) -> Pages:
        """A listing to its end, or until it is `enough`: each item once, in the order in which it came.

        At most a hundred pages and windows are read: the newest, or the oldest where there is an `enough`.
        """
        found: dict[str, Any] = {}
        pages = 0
        windows, skipped = self._windows(paging, since_ms, oldest=enough is not None)
        for since, until in windows:
            params: Mapping[str, Any] = {} if until is None else {"until": until}
            in_window = 0
            while True:
                if pages == _PAGES_MAX:
                    return _pages(found, f"{what}: more than {_PAGES_MAX} pages")
                page_since, page_params = since, params
                try:
                    page, answer, items = await self._read(
                        what,
                        content,
                        lambda: ask(page_since, paging.limit, page_params),  # noqa: B023 - awaited here
                    )
                    pages, in_window = pages + 1, in_window + len(items)
                    before = len(found)
                    found.update((_id_of(item), item) for item in page)
                    onward = paging.next_page(answer, items, in_window)
                except VenueUnavailable as error:
                    return _pages(found, str(error))
                if enough is not None and enough(list(found.values())):
                    return _pages(found)
                if paging.may_be_cut(len(items)):
                    return _pages(found, f"{what}: more than the {len(items)} of the first page, perhaps")
                if onward is None:
                    break
                if len(found) == before and onward.items() <= params.items():
                    return _pages(found, f"{what}: the same page came again")
                by_id = paging.onward is Onward.NEXT_ID
                since, params = (None, onward) if by_id else (since, {**params, **onward})
            if paging.onward is Onward.NEXT_ID and since is None:
                break  # it went on by id, through all later windows
        return _pages(found, f"{what}: more than {_PAGES_MAX} windows of time" if skipped else None)

    async def _read(
        self, what: str, content: Content, ask: Callable[[], Awaitable[Any]]
    ) -> tuple[Any, Any, Sequence[Any]]:
        if self._stopped:
            raise VenueUnavailable(f"{what}: not asked for, as {self._stopped}")
        tries = 1 if self._failed_in_a_row else _TRIES
        for tried in range(1, tries + 1):
            with recorded() as call:
                try:
                    parsed = await bounded(ask(), self._connection)
                    answer, items = self._checked(content, parsed, call)
                except SettingsError:
                    raise
                except Exception as error:
                    failure = error
                else:
                    self._failed_in_a_row = 0
                    self.answered += 1
                    return parsed, answer, items
            if content is Content.ORDER and says_not_found(failure, self._connection.quirks, call.body):
                self._failed_in_a_row = 0
                raise NoSuchOrder(f"{what}: no such order") from None
            kinds = {kind.__name__ for kind in type(failure).__mro__}
            left_alone = bool(kinds & _LEAVE_ALONE) or call.status in _SENT_AWAY
            if left_alone:
                self._stopped = "the venue wants to be left alone"
            if left_alone or kinds & _NOT_AGAIN or tried == tries:
                break
            await self._clock.sleep(_RETRY_S * 2 ** (tried - 1))
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= _FAILED_IN_A_ROW:
            self._stopped = self._stopped or "one read after the other fails"
        raise VenueUnavailable(f"{what}: {self._connection.redacted(failure)}") from None

    def _checked(self, content: Content, parsed: Any, call: ExchangeCall) -> tuple[Any, Sequence[Any]]:
        """The raw answer and its items; where it is not declared what these are, what ccxt made of them."""
        try:
            answer = msgspec.json.decode(call.body)
        except (msgspec.DecodeError, RecursionError):
            raise MalformedAnswer("the answer is no JSON") from None
        items = self._connection.quirks.forms.items(content, answer)
        if items is None:
            items = parsed if isinstance(parsed, list) else [parsed]
        return answer, items

    def _windows(
        self, paging: Paging, since_ms: int | None, *, oldest: bool
    ) -> tuple[Sequence[tuple[int | None, int | None]], bool]:
        """From when until when to ask, and whether some had to be left out; until None is until now."""
        if since_ms is None or paging.window_ms is None:
            return [(since_ms, None)], False
        starts = list(range(since_ms, self._connection.exchange.milliseconds(), paging.window_ms)) or [since_ms]
        windows: list[tuple[int | None, int | None]] = [(start, start + paging.window_ms - 1) for start in starts]
        windows[-1] = (starts[-1], None)
        kept = windows[:_PAGES_MAX] if oldest else windows[-_PAGES_MAX:]
        return kept, len(kept) < len(windows)


def _pages(found: Mapping[str, Any], missing: str | None = None) -> Pages:
    return Pages(list(found.values()), missing)


def _id_of(item: Any) -> str:
    if not (isinstance(item, dict) and item.get("id")):
        raise MalformedAnswer("the answer has an item without an id")
    return str(item["id"])
