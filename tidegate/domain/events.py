"""What can happen, as the journal records it. Nothing else is the truth.

An event belongs to a signal, by the signal's number (the journal position of its first event), or to the pipeline as
a whole (number 0). Its body holds what is particular to its kind. The kind is the recorded name in `KINDS`: the name
of the class in lower case. A kind never changes its meaning.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec
from msgspec import Struct

from tidegate.domain.difference import Difference
from tidegate.domain.incident import SEVERITY_OF, IncidentKind, Severity
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
    "Differed",
    "Expired",
    "Failed",
    "Filled",
    "Funded",
    "Gap",
    "Halted",
    "Ignored",
    "Incident",
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


class Intent(OrderRequest, frozen=True):
    """An order is about to be sent. It is committed before the request leaves, and is the request itself."""


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
    """Placement unconfirmed: the venue has not said whether the order exists."""

    client_order_id: str
    detail: str
    evidence: Evidence | None = None


class Parked(_Body, frozen=True):
    """Placement cannot be proved either way: a person decides with `resolve`."""

    client_order_id: str
    detail: str
    evidence: Evidence | None = None


class Reopened(_Body, frozen=True):
    """The venue has an order of a signal that was believed to have none; the signal was `outcome` until then.

    `request` is what was sent; `status` and `fills` are what the venue reports now.
    """

    client_order_id: str
    venue_order_id: str
    detail: str
    outcome: str
    request: OrderRequest
    status: OrderStatus
    fills: tuple[Fill, ...] = ()


class Adopted(_Body, frozen=True):
    """A person booked an order that carries our mark and belongs to no signal of the journal. It is the first event of
    a new signal, which is placed.

    `request` is what must have been sent; `status` and `fills` are what the venue reports now. The account's balances
    include these fills already, so they change only what our trades hold.
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
    """A program closed the journal in an orderly way; `left` counts the signals it left open, by outcome.

    `marks` are the newest bids of the symbols whose base currency an account holds, so that it can still be valued.
    """

    left: dict[str, int]
    marks: dict[str, Mark] = {}


class Halted(_Body, frozen=True):
    """No new orders. `reduce_only` still lets closing orders through. `orders` are the orders that caused the halt."""

    reduce_only: bool
    why: str
    orders: tuple[str, ...] = ()


class Resumed(_Body, frozen=True):
    """New orders are allowed again."""


class Ignored(_Body, frozen=True):
    """A person decided that an order on a venue is none of ours: it is left out for good."""

    order_id: str


class TurnedAway(_Body, frozen=True):
    """Signals shed at intake since the last such event, because it was full or the disk failed: never acknowledged."""

    count: int
    reason: Reason


class Incident(_Body, frozen=True):
    """Something other than a signal went wrong, and the pipeline continues: what kind of thing, how bad, and where."""

    kind: IncidentKind
    severity: Severity
    where: str
    text: str

    @classmethod
    def of(cls, kind: IncidentKind, where: str, text: str) -> Incident:
        """An incident with the severity of its kind."""
        return cls(kind=kind, severity=SEVERITY_OF[kind], where=where, text=text)


class Differed(_Body, frozen=True):
    """Reconciliation found differences between the journal and a venue: one, or several of one account and kind.

    Of many alike, `differences` lists the first few, and `more` counts the others.
    """

    differences: tuple[Difference, ...]
    severity: Severity
    more: int = 0

    @classmethod
    def of(cls, differences: tuple[Difference, ...], more: int = 0) -> Differed:
        """What differs on one account, all of one kind, with the severity of that kind."""
        return cls(differences=differences, severity=differences[0].severity, more=more)

    @property
    def where(self) -> str:
        """Where an incident would say that it happened."""
        return f"reconciliation with {self.differences[0].trader}"

    @property
    def text(self) -> str:
        """What an incident would say."""
        words = [found.text for found in self.differences] + [f"and {self.more} more"] * (self.more > 0)
        return f"{self.differences[0].kind}: {'; '.join(words)}"


class Gap(_Body, frozen=True):
    """A feed was silent for longer than its data may be old: for `silent_s` seconds when that was noticed."""

    where: str
    silent_s: float


class Funded(_Body, frozen=True):
    """A paper account was opened with these balances, by currency."""

    trader: str
    balances: dict[str, Decimal]


class BalancesSynced(_Body, frozen=True):
    """The balances of an account were taken over from its venue: the totals by currency, including open orders."""

    trader: str
    balances: dict[str, Decimal]


class Banned(_Body, frozen=True):
    """A venue banned our address until a moment of the wall clock. It is recorded so that a restart keeps to it."""

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
    | Incident
    | Differed
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
    "filled": Filled,
    "order_changed": OrderChanged,
    "started": Started,
    "stopped": Stopped,
    "halted": Halted,
    "resumed": Resumed,
    "ignored": Ignored,
    "turned_away": TurnedAway,
    "incident": Incident,
    "differed": Differed,
    "gap": Gap,
    "funded": Funded,
    "balances_synced": BalancesSynced,
    "banned": Banned,
}

KIND_OF = {body: kind for kind, body in KINDS.items()}
_DECODERS = {kind: msgspec.json.Decoder(body) for kind, body in KINDS.items()}

encode_body = msgspec.json.Encoder().encode


class Recorded(Struct, frozen=True, gc=False):
    """A committed event: its position in the journal, its signal, its time in nanoseconds UTC, and its body."""

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
        KeyError: there is no such kind. Kinds of older programs: `tidegate.journal.older_events`.
        msgspec.ValidationError: the data is not a body of this kind.
    """
    return _DECODERS[kind].decode(data)
