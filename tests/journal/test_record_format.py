"""The bytes of records: what was written once is read for good."""

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tidegate.domain import events as e
from tidegate.domain.difference import Difference, DifferenceKind
from tidegate.domain.incident import IncidentKind, Severity
from tidegate.domain.market import Mark
from tidegate.domain.order import Evidence, Fill, OrderRequest, OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Side
from tidegate.journal import record_format
from tidegate.journal.record_format import CODES, VERSION, decode, encode, hash_of, restore

GOLDEN = Path(__file__).parent / "records.json"

FILL = Fill(
    trade_id="t1",
    amount=Decimal("0.5"),
    price=Decimal(100),
    fee=Decimal("0.1"),
    fee_currency="BNB",
    fee_in_quote=Decimal("0.2"),
)
EVIDENCE = Evidence(asked="GET /order", asked_at_ns=1, answered_at_ns=2, answer="{}", meaning="found")
ORDER = {"client_order_id": "c1", "trader": "main", "symbol": "A/B", "side": Side.SELL, "order_type": OrderType.LIMIT,
         "amount": Decimal(2), "price": Decimal("1.5"), "attempt": 1, "reserved": Decimal(2), "least": Decimal("0.1"),
         "cut_from": Decimal(3), "own_coins": True}  # fmt: skip
REQUEST = OrderRequest(**ORDER)
FOUND = {"client_order_id": "c1", "venue_order_id": "V1", "detail": "d", "request": REQUEST,
         "status": OrderStatus.OPEN, "fills": (FILL,)}  # fmt: skip
UNSURE = {"client_order_id": "c1", "detail": "d", "evidence": EVIDENCE}
DIFFERENCE = Difference(trader="main", kind=DifferenceKind.BALANCE, what="BTC", ours="1", theirs="2", remedy="look")

FULL = [
    e.Accepted(score=0.7, parts=(("strength", 0.7),), expires_at_ns=10, generated=True, mid=Decimal("1.5")),
    e.Refused(reason=Reason.WEAK, measured=0.1, limit="x", score=0.2, generated=True, rule="mine:rule"),
    e.Redelivered(),
    e.Superseded(by="0a" * 10),
    e.Expired(reason=Reason.HALTED, measured="words", limit=1.0, rule="mine:rule"),
    e.Intent(**ORDER),
    e.Placed(
        client_order_id="c1", venue_order_id="V1", status=OrderStatus.CLOSED, fills=(FILL, FILL), evidence=EVIDENCE
    ),
    e.Deferred(
        client_order_id="c1", reason=Reason.NEVER_SENT, detail="d", retry_at_ns=7, final=True, evidence=EVIDENCE
    ),
    e.Failed(client_order_id="c1", reason=Reason.NEVER_SENT, detail="d", evidence=EVIDENCE),
    e.Unknown(**UNSURE),
    e.Parked(**UNSURE),
    e.Reopened(**FOUND, outcome="failed"),
    e.Adopted(**FOUND),
    e.Filled(client_order_id="c1", fill=FILL),
    e.OrderChanged(client_order_id="c1", status=OrderStatus.CANCELED),
    e.Started(version="0.1", settings_hash="h"),
    e.Stopped(left={"waiting": 2}, marks={"A/B": Mark(price=Decimal("1.5"), at_ns=3)}),
    e.Halted(reduce_only=True, why="w", orders=("c1",)),
    e.Resumed(),
    e.Ignored(order_id="c1"),
    e.TurnedAway(count=3, reason=Reason.HALTED),
    e.Incident(kind=IncidentKind.FEED_FAILED, severity=Severity.WARNING, where="w", text="t"),
    e.Differed(differences=(DIFFERENCE, DIFFERENCE), severity=Severity.WARNING, more=1),
    e.Gap(where="w", silent_s=1.5),
    e.Funded(trader="main", balances={"USDT": Decimal("1.50")}),
    e.BalancesSynced(trader="main", balances={"USDT": Decimal(7)}),
    e.Banned(address="a", until_ns=9, reason=Reason.HALTED),
]
"""An event of every kind, with something in every field."""


def one(body: e.Body) -> bytes:
    return encode([(b"\x01" * 10, b"{}", b"said")], [0], [5], [body], [0], [])


def test_there_is_one_of_every_kind_and_every_field_of_it_is_set():
    assert [e.kind_of(body) for body in FULL] == list(e.KINDS) == list(CODES)
    assert len(set(CODES.values())) == len(CODES)
    for body in FULL:
        fields = msgspec.structs.fields(type(body))
        left_out = [f.name for f in fields if not f.required and getattr(body, f.name) == f.default]
        assert left_out == []


@pytest.mark.parametrize("body", FULL, ids=e.kind_of)
def test_an_event_is_read_as_it_was_written(body):
    record = decode(one(body))
    assert restore(record.codes[0], record.bodies[0]) == body
    assert (record.at_ns, list(record.back), list(record.after), list(record.closed)) == (5, [0], [0], [0])


@pytest.mark.parametrize("body", FULL, ids=e.kind_of)
def test_the_bytes_of_a_record_stay_as_they_are(body):
    """Where this fails, journals that exist could be read wrongly: add fields at the end, with a default, and write
    the record here anew; everything else needs another VERSION, and a way to read the old one."""
    golden = json.loads(GOLDEN.read_text())
    assert golden["version"] == VERSION
    assert one(body).hex() == golden["records"][e.kind_of(body)]


@pytest.mark.parametrize("body", FULL, ids=e.kind_of)
def test_the_bytes_of_older_records_are_read(body):
    record = decode(bytes.fromhex(json.loads(GOLDEN.read_text())["records"][e.kind_of(body)]))
    assert restore(record.codes[0], record.bodies[0]) == body


def test_a_record_without_a_field_that_was_added_later_is_read():
    code = CODES["ignored"]
    (values,) = msgspec.msgpack.decode(decode(one(e.Refused(reason=Reason.WEAK))).bodies[0])[:1]
    assert restore(CODES["refused"], msgspec.msgpack.encode([values])) == e.Refused(reason=Reason.WEAK)
    with pytest.raises(msgspec.ValidationError):
        restore(code, msgspec.msgpack.encode([]))


def test_a_kind_of_a_newer_program_is_unknown():
    with pytest.raises(KeyError):
        restore(max(CODES.values()) + 1, b"\x90")


def test_a_hash_is_that_of_everything_before():
    first = hash_of(b"", 1, VERSION, b"body")
    others = [
        hash_of(b"x", 1, VERSION, b"body"),
        hash_of(b"", 2, VERSION, b"body"),
        hash_of(b"", 1, VERSION + 1, b"body"),
        hash_of(b"", 1, VERSION, b"bodies"),
    ]
    assert len({first, *others}) == 5
    assert len(first) == record_format.HASH_BYTES


if __name__ == "__main__":
    records = {e.kind_of(body): one(body).hex() for body in FULL}
    GOLDEN.write_text(json.dumps({"version": VERSION, "records": records}, indent=1) + "\n")
