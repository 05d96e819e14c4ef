import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tidegate.domain.digest import digest_of
from tidegate.domain.events import (
    Accepted,
    Adopted,
    Deferred,
    Expired,
    Failed,
    Filled,
    Intent,
    OrderChanged,
    Parked,
    Placed,
    Recorded,
    Redelivered,
    Refused,
    Reopened,
    Resumed,
    Superseded,
    Unknown,
)
from tidegate.domain.order import Fill, OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Side

A, B = "aa" * 10, "bb" * 10
ACCEPTED = Accepted(score=0.5, parts=(("strength", 0.5),), expires_at_ns=9)
EVENTS = (
    Recorded(1, 1, A, 10, ACCEPTED),
    Recorded(2, 2, B, 10, ACCEPTED),
    Recorded(3, 1, A, 10, Redelivered()),
    Recorded(4, 1, A, 11, Superseded(by=B)),
)


def test_the_digest_never_changes_its_meaning():
    assert digest_of(EVENTS) == "f2b8a3e57b08876691ac7f28f9af11b32b97639d0130362143b8b6655917c33c"


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([replace(event, position=event.position + 7) for event in EVENTS], id="positions"),
        pytest.param([EVENTS[1], EVENTS[0], *EVENTS[2:]], id="who was committed first at a moment"),
        pytest.param([EVENTS[0], EVENTS[2], EVENTS[3], EVENTS[1]], id="a time that goes back between positions"),
        pytest.param([*EVENTS, Recorded(5, 0, "", 12, Resumed())], id="what belongs to the pipeline as a whole"),
    ],
)
def test_these_make_no_difference(events):
    assert digest_of(events) == digest_of(EVENTS)


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(EVENTS[:-1], id="an event less"),
        pytest.param([*EVENTS[:-1], replace(EVENTS[-1], at_ns=12)], id="another time"),
        pytest.param([*EVENTS[:-1], replace(EVENTS[-1], body=Superseded(by=A))], id="another content"),
        pytest.param([*EVENTS[:-1], replace(EVENTS[-1], signal_id=B, number=2)], id="another signal"),
        pytest.param([EVENTS[2], EVENTS[1], EVENTS[0], EVENTS[3]], id="the order within a signal"),
    ],
)
def test_these_make_a_difference(events):
    assert digest_of(events) != digest_of(EVENTS)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), max_size=30), st.randoms(use_true_random=False))
def test_signals_may_be_interleaved_in_any_way(told, random):
    events = [Recorded(p, n, f"{n:020x}", at, Superseded(by=str(p))) for p, (n, at) in enumerate(told)]
    waiting = {number: [event for event in events if event.number == number] for number, _ in told}
    other = []
    while waiting:
        number = random.choice(sorted(waiting))
        other.append(waiting[number].pop(0))
        if not waiting[number]:
            del waiting[number]
    assert digest_of(other) == digest_of(events)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_seed_of_hashes_makes_no_difference(seed):
    root = Path(__file__).parents[2]
    code = (
        "from tidegate.domain.digest import digest_of; from tidegate.domain.events import Recorded, Superseded;"
        "print(digest_of(Recorded(n, n, f'{n:020x}', n % 3, Superseded(by=str(n))) for n in range(1, 50)))"
    )
    environ = {**os.environ, "PYTHONHASHSEED": seed}
    said = subprocess.run([sys.executable, "-c", code], env=environ, cwd=root, capture_output=True, check=True)
    events = [Recorded(n, n, f"{n:020x}", n % 3, Superseded(by=str(n))) for n in range(1, 50)]
    assert said.stdout.decode().strip() == digest_of(events)


IDS = {"client_order_id": "c"}
FILL = Fill(trade_id="1", amount=Decimal(1), price=Decimal(7), fee=Decimal(0), fee_currency="B")
REQUEST = Intent(
    **IDS, trader="t", symbol="A/B", side=Side.BUY, order_type=OrderType.LIMIT, amount=Decimal("1.50"),
    price=Decimal(7), attempt=1, reserved=Decimal(11),
)  # fmt: skip
ON_VENUE = {**IDS, "venue_order_id": "v", "status": OrderStatus.OPEN}
ONE_OF_EACH = (
    ACCEPTED,
    Redelivered(),
    REQUEST,
    Unknown(**IDS, detail="x"),
    Parked(**IDS, detail="x"),
    Placed(**ON_VENUE, fills=(FILL,)),
    Filled(**IDS, fill=FILL),
    OrderChanged(**IDS, status=OrderStatus.CLOSED),
    Deferred(**IDS, reason=Reason.BANNED, detail="", retry_at_ns=1),
    Failed(**IDS, reason=Reason.REJECTED, detail=""),
    Refused(reason=Reason.WEAK, measured=0.2, limit=0.5),
    Superseded(by=B),
    Expired(reason=Reason.AWAITING_TICK),
    Reopened(**ON_VENUE, detail="", outcome="failed", request=REQUEST),
    Adopted(**ON_VENUE, detail="", request=REQUEST),
)


def test_every_kind_of_event_is_hashed_as_it_always_was():
    """Also those that were renamed since: `filled` and `order_changed`."""
    events = [Recorded(n, 1 + n % 2, A if n % 2 else B, n, body) for n, body in enumerate(ONE_OF_EACH, 1)]
    assert digest_of(events) == "252bd722972b5765ccb8828ef40e75e08919221a91c49fccf9b45e8b8d07a4d0"
