"""What goes wrong with which request: a script, or chances drawn from one seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from random import Random

from msgspec import Struct

from tidegate.emulator.refusal import VenueRejection

__all__ = ["Fault", "FaultKind", "Faults", "Operation"]


class Operation(StrEnum):
    """What a request asks an exchange for."""

    CREATE = "create"
    CANCEL = "cancel"
    LOOKUP = "lookup"
    OPEN_ORDERS = "open_orders"
    RECENT = "recent"
    TRADES = "trades"
    BALANCE = "balance"
    MARKETS = "markets"
    PRICES = "prices"
    CANDLES = "candles"
    TIME = "time"
    KEY = "key"
    OTHER = "other"
    LOGIN = "login"  # to the user stream
    STREAM = "stream"  # a message of the user stream, which nobody asks for
    ANY = "any"


class FaultKind(StrEnum):
    """How a request goes wrong."""

    REFUSED = "refused"  # with a refusal of choice, and by default nothing is done

    # nothing is done with the request, and nothing is said
    LOST = "lost"
    LOST_CLOSED = "lost_closed"
    LOST_RESET = "lost_reset"
    # the request is done, and its answer does not arrive
    SILENT = "silent"
    CLOSED = "closed"
    RESET = "reset"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    HTML = "html"
    NULL = "null"
    BRACES = "braces"
    ERROR_PAGE = "error_page"
    # the request is done, otherwise than its answer says
    DELAYED = "delayed"
    HIDDEN = "hidden"
    DROPPED = "dropped"
    CUT = "cut"
    PREVENTED = "prevented"
    BARE_ACK = "bare_ack"
    # a message of the user stream is sent, otherwise than it should be
    DUPLICATED = "duplicated"
    STRANGER = "stranger"  # with one about somebody else's order
    UNTRUE = "untrue"  # it claims that the order is filled


_NOT_DONE = {FaultKind.LOST, FaultKind.LOST_CLOSED, FaultKind.LOST_RESET}
_MAY_BE_DONE = {
    VenueRejection.STATUS_UNKNOWN,
    VenueRejection.UNEXPECTED_RESPONSE,
    VenueRejection.INTERNAL_ERROR,
    VenueRejection.DISCONNECTED,
}


class Fault(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One fault, a kind or a `refusal`, and the requests it strikes.

    Of the requests for the operation `on` (and of that `symbol`, with that `client_order_id`, of that `account`, where
    they are named) it strikes those from the `nth` on, `times` in all, 0 being without end. With a `probability`, it
    strikes each of them by chance instead.

    The user stream knows the silences, the bodies that say nothing, `delayed`, and the kinds of its own: `lost` leaves
    one message out, `silent` all from then on.

    `placed` says whether the request is done; by default as its kind is described, and with refusals that admit to
    not knowing. `status` is the HTTP status of an error page or a refusal, by default the exchange's own. `seconds` is
    the delay of a delayed request, the lag of a hidden order, the length of a ban, or the wait asked of clients that
    come too often.

    Raises:
        ValueError: it is neither a kind nor a refusal, or both.
    """

    kind: FaultKind = FaultKind.REFUSED
    refusal: VenueRejection | None = None
    on: Operation = Operation.CREATE
    nth: int = 1
    times: int = 1
    probability: float | None = None
    symbol: str | None = None
    client_order_id: str | None = None
    account: str | None = None
    placed: bool | None = None
    status: int | None = None
    seconds: float = 10.0

    def __post_init__(self) -> None:
        if (self.kind is FaultKind.REFUSED) is (self.refusal is None):
            raise ValueError(f"kind must be refused exactly where there is a refusal, was {self.kind}, {self.refusal}")

    @property
    def is_placed(self) -> bool:
        """Whether the request is done."""
        if self.placed is not None:
            return self.placed
        return self.kind not in _NOT_DONE if self.refusal is None else self.refusal in _MAY_BE_DONE

    @property
    def name(self) -> str:
        """What it is counted as: its kind, or its refusal."""
        return self.refusal or self.kind


class Faults:
    """Says of each request which fault strikes it: the first that fits.

    The same seed and requests give the same faults. Of those with a probability at most one is drawn for a request.
    `struck` counts by name. Memory: the faults.
    """

    __slots__ = ("_counted", "_random", "_script", "struck")

    def __init__(self, script: Iterable[Fault] = (), *, seed: int = 0) -> None:
        self._script: list[Fault] = []
        self._counted: list[int] = []
        self._random = Random(seed)  # noqa: S311
        self.struck: Counter[str] = Counter()
        self.add(*script)

    def add(self, *faults: Fault) -> None:
        """Script more; each counts the requests that come from now on."""
        self._script += faults
        self._counted += [0] * len(faults)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._script.clear()
        self._counted.clear()

    def strike(self, on: Operation, symbol: str | None, client_order_id: str | None, account: str) -> Fault | None:
        """The fault that strikes this request, if any."""
        if not self._script:
            return None
        struck, drawn = None, self._random.random()
        for place, fault in enumerate(self._script):
            if not _fits(fault, on, symbol, client_order_id, account):
                continue
            if fault.probability is None:
                self._counted[place] += 1
                late = self._counted[place] - fault.nth
                strikes = late >= 0 and (late < fault.times or not fault.times)
            else:
                strikes = 0 <= drawn < fault.probability
                drawn -= fault.probability
            if strikes and struck is None:
                struck = fault
        if struck is not None:
            self.struck[struck.name] += 1
        return struck


def _fits(fault: Fault, on: Operation, symbol: str | None, client_order_id: str | None, account: str) -> bool:
    return (
        fault.on in (on, Operation.ANY)
        and fault.symbol in (None, symbol)
        and fault.client_order_id in (None, client_order_id)
        and fault.account in (None, account)
    )
