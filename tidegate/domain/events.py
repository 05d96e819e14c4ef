"""What can happen, as it stands in the journal. Nothing else is the truth.

An event belongs to a signal, by the signal's number (the journal position of its first event), or to the pipeline as
a whole (number 0). Its body says what is particular to its kind; the kind is the name under which the body is listed
in `KINDS`, and never changes its meaning.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec
from msgspec import Struct

from tidegate.domain.market import Mark
from tidegate.domain.order import Evidence, Fill, OrderRequest, OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Measure

__all__ = [
    "KINDS",
    "KIND_OF",
    "Accepted",
    "Adopted",
    "BalancesSynced",
    "Banned",
    "Body",
    "Deferred",
    "Expired",
    "Failed",
    "Faulted",
    "Filled",
    "Funded",
    "Gap",
    "Halted",
    "Ignored",
    "Intent",
    "OrderChanged",
    "Parked",
    "Placed",
    "Recorded",
    "Redelivered",
    "Refused",
    "Reopened",
    "Resumed",
    "Started",
    "Stopped",
    "Superseded",
    "TurnedAway",
    "Unknown",
    "decode_body",
    "encode_body",
    "kind_of",
]


class _Body(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What every body shares: immutable, named fields, defaults left out of the record."""


class Accepted(_Body, frozen=True):
    """A signal passed every check and waits for execution until `expires_at_ns`.

    `mid` is the middle of the market at receipt, where a limit asks for it and there was a price.
    """

    score: float
    parts: tuple[tuple[str, float], ...]
    expires_at_ns: int
    generated: bool = False
    mid: Decimal | None = None


class Refused(_Body, frozen=True):
    """We do not act on the signal: at receipt (its first event), or by our limits at the time of execution.

    `rule` names the user's own rule that refused it.
    """

    reason: Reason
    measured: Measure = None
    limit: Measure = None
    score: float | None = None
    generated: bool = False
    rule: str | None = None


class Redelivered(_Body, frozen=True):
    """The same signal, with the same content, came again: nothing changes."""


class Superseded(_Body, frozen=True):
    """A newer generated signal of the same strategy and symbol took its place."""

    by: str


class Expired(_Body, frozen=True):
    """Its time to live ran out; `reason` is the last obstacle it met, `rule` the user's own rule that was it."""

    reason: Reason
    measured: Measure = None
    limit: Measure = None
    rule: str | None = None


Intent = OrderRequest
"""An order is about to be sent. Committed before the request leaves: it is the request itself."""


class Placed(_Body, frozen=True):
    """The venue acknowledged the order."""

    client_order_id: str
    venue_order_id: str
    status: OrderStatus
    fills: tuple[Fill, ...] = ()
    evidence: Evidence | None = None


class Deferred(_Body, frozen=True):
    """Proved not placed, and may be tried again, not before `retry_at_ns`; elsewhere, where `final` is set."""

    client_order_id: str
    reason: Reason
    detail: str
    retry_at_ns: int
    final: bool = False
    evidence: Evidence | None = None


class Failed(_Body, frozen=True):
    """Proved not placed, and will not be tried again."""

    client_order_id: str
    reason: Reason
    detail: str
    evidence: Evidence | None = None


class Unknown(_Body, frozen=True):
    """The venue did not tell whether the order exists."""

    client_order_id: str
    detail: str
    evidence: Evidence | None = None


class Parked(_Body, frozen=True):
    """No proof is to be had: a person decides."""

    client_order_id: str
    detail: str
    evidence: Evidence | None = None


class Reopened(_Body, frozen=True):
    """Evidence showed an order of a signal that was thought to have none, and that was `outcome` until then.

    `request` is what had been sent; `status` and `fills` are as the venue tells them now.
    """

    client_order_id: str
    venue_order_id: str
    detail: str
    outcome: str
    request: OrderRequest
    status: OrderStatus
    fills: tuple[Fill, ...] = ()


class Adopted(_Body, frozen=True):
    """A person had an order booked that carries our mark and belongs to no signal of the journal: the first event of a
    signal of its own, which is placed.

    `request` is what must have been sent; `status` and `fills` are as the venue tells them now. These fills are in the
    account's balances already: they change only what our trades hold.
    """

    client_order_id: str
    venue_order_id: str
    detail: str
    request: OrderRequest
    status: OrderStatus
    fills: tuple[Fill, ...] = ()


class Filled(_Body, frozen=True):
    """A trade of a placed order, after its acknowledgement."""

    client_order_id: str
    fill: Fill


class OrderChanged(_Body, frozen=True):
    """A placed order's status on the venue changed."""

    client_order_id: str
    status: OrderStatus


class Started(_Body, frozen=True):
    """A program opened the journal for writing."""

    version: str
    settings_hash: str


class Stopped(_Body, frozen=True):
    """A program closed the journal in an orderly way; `left` says what it left behind, by outcome.

    `marks` are the newest bids of the symbols whose base currency an account has, so that it can still be valued.
    """

    left: dict[str, int]
    marks: dict[str, Mark] = {}


class Halted(_Body, frozen=True):
    """No new orders. `reduce_only` still lets closing ones through. `orders` are those because of which it was."""

    reduce_only: bool
    why: str
    orders: tuple[str, ...] = ()


class Resumed(_Body, frozen=True):
    """New orders are let through again."""


class Ignored(_Body, frozen=True):
    """A person said that an order on a venue is to be left out of account, for good."""

    order_id: str


class TurnedAway(_Body, frozen=True):
    """Signals that a full door or a failing disk turned away since the last such event: never acknowledged."""

    count: int
    reason: Reason


class Faulted(_Body, frozen=True):
    """Something that is not a signal went wrong, and the stream went on: a strategy raised, a sender's line broke."""

    where: str
    error: str


class Gap(_Body, frozen=True):
    """A feed was silent for longer than its data may be old: for `silent_s` when that was noticed."""

    where: str
    silent_s: float


class Funded(_Body, frozen=True):
    """A paper account was opened with these balances, by currency."""

    trader: str
    balances: dict[str, Decimal]


class BalancesSynced(_Body, frozen=True):
    """A venue told the balances of an account, by currency: what there is in all, orders included."""

    trader: str
    balances: dict[str, Decimal]


class Banned(_Body, frozen=True):
    """A venue wants nothing from our address until a moment of the wall clock: for whoever starts again before that."""

    address: str
    until_ns: int
    reason: Reason


Body: TypeAlias = (
    Accepted
    | Refused
    | Redelivered
    | Superseded
    | Expired
    | Intent
    | Placed
    | Deferred
    | Failed
    | Unknown
    | Parked
    | Reopened
    | Adopted
    | Filled
    | OrderChanged
    | Started
    | Stopped
    | Halted
    | Resumed
    | Ignored
    | TurnedAway
    | Faulted
    | Gap
    | Funded
    | BalancesSynced
    | Banned
)

KINDS: dict[str, type[Body]] = {
    "accepted": Accepted,
    "refused": Refused,
    "redelivered": Redelivered,
    "superseded": Superseded,
    "expired": Expired,
    "intent": Intent,
    "placed": Placed,
    "deferred": Deferred,
    "failed": Failed,
    "unknown": Unknown,
    "parked": Parked,
    "reopened": Reopened,
    "adopted": Adopted,
    "fill": Filled,
    "order": OrderChanged,
    "started": Started,
    "stopped": Stopped,
    "halted": Halted,
    "resumed": Resumed,
    "ignored": Ignored,
    "turned_away": TurnedAway,
    "fault": Faulted,
    "gap": Gap,
    "funded": Funded,
    "counted": BalancesSynced,
    "banned": Banned,
}

KIND_OF = {body: kind for kind, body in KINDS.items()}
_DECODERS = {kind: msgspec.json.Decoder(body) for kind, body in KINDS.items()}

encode_body = msgspec.json.Encoder().encode


class Recorded(Struct, frozen=True, gc=False):
    """A committed event: where it stands, whose it is, when it happened, what it says."""

    position: int
    number: int
    signal_id: str
    at_ns: int
    body: Body


def kind_of(body: Body) -> str:
    """The name a body is recorded under."""
    return KIND_OF[type(body)]


def decode_body(kind: str, data: bytes) -> Body:
    """Read a body back.

    Raises:
        KeyError: no such kind, so a newer program wrote it.
        msgspec.ValidationError: the data is not a body of this kind.
    """
    return _DECODERS[kind].decode(data)
