"""What a venue can do to an order, over HTTP, and how the signal ends. The venue's own ledger is the judge.

Each row runs on an exchange of its own, in virtual time.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytest.importorskip("ccxt")

from streams.engine import Engine
from tests.virtual_network import NetworkLoop, run
from tidegate.assembly import assemble, generated
from tidegate.assembly.real import RealVenues
from tidegate.domain import events as e
from tidegate.domain.signal_summary import SignalSummary, line_of
from tidegate.emulator import Fault, FaultKind, LocalExchange, Operation, VenueRejection, settings_for
from tidegate.journal.sqlite_journal import SqliteJournal
from tidegate.settings import load_settings

SYMBOL = "BTC/USDT"


@dataclass(kw_only=True)
class Row:
    """A fault of the catalogue, and what has to come of it: the outcome, and how many orders the venue has."""

    fault: str
    faults: tuple[Fault, ...] = ()
    outcome: str
    reason: str | None = None
    orders: int
    sent: int | None = None
    status: str | None = None
    ttl_s: float = 8.0
    price: str | None = None
    lag_s: float = 0.0
    park: bool = False
    then: Callable[[LocalExchange], object] | None = None
    alarm: str | None = None
    wait_s: float = 5.0
    only: str | None = None


@dataclass
class Seen:
    """How it ended."""

    line: SignalSummary
    orders: int
    duplicates: int
    sent: int
    during_ban: int
    faults: list[str] = field(default_factory=list)
    text: str = ""


def struck(kind: FaultKind, **how: object) -> tuple[Fault, ...]:
    return (Fault(kind=kind, **how),)


def refused(refusal: VenueRejection, **how: object) -> tuple[Fault, ...]:
    return (Fault(refusal=refusal, **how),)


LOST_REPLY = [
    Row(fault=f"{name} the reply is lost: {kind}", faults=struck(kind), outcome="placed", orders=1, sent=1)
    for name, kind in (
        ("F01", FaultKind.SILENT),
        ("F02", FaultKind.CLOSED),
        ("F02", FaultKind.RESET),
        ("F03", FaultKind.TRUNCATED),
        ("F04", FaultKind.EMPTY),
        ("F04", FaultKind.HTML),
        ("F04", FaultKind.NULL),
        ("F04", FaultKind.BRACES),
        ("F05", FaultKind.ERROR_PAGE),
    )
]
VENUE_DOES_NOT_KNOW = [
    Row(fault=f"{name} {refusal}", faults=refused(refusal), outcome="placed", orders=1, sent=1)
    for name, refusal in (
        ("F06", VenueRejection.STATUS_UNKNOWN),
        ("F06", VenueRejection.UNEXPECTED_RESPONSE),
        ("F07", VenueRejection.INTERNAL_ERROR),
        ("F07", VenueRejection.DISCONNECTED),
    )
]
NEVER_ARRIVED = [
    Row(fault=f"{name}: again after the proof", faults=faults, outcome="placed", orders=1, sent=2)
    for name, faults in (
        ("F01 the request is lost", struck(FaultKind.LOST)),
        ("F02 the request is lost, closed", struck(FaultKind.LOST_CLOSED)),
        ("F08 a code nobody knows", refused(VenueRejection.UNMAPPED)),
    )
]
REJECTED = [
    Row(fault=f"{name} {refusal}", faults=refused(refusal), outcome="failed", reason="rejected", orders=0, sent=1)
    for name, refusal in (
        ("F23", VenueRejection.LOT_SIZE),
        ("F23", VenueRejection.NOTIONAL),
        ("F23", VenueRejection.PERCENT_PRICE),
        ("F25", VenueRejection.PRICE_FILTER),
        ("F26", VenueRejection.INSUFFICIENT_BALANCE),
        ("F31", VenueRejection.POST_ONLY),
    )
]
ACCOUNT_SUSPENDED = [
    Row(fault=f"{name} {refusal}", faults=refused(refusal), outcome="expired", reason="no_trader", orders=0, sent=1,
        ttl_s=2.0)
    for name, refusal in (
        ("F27", VenueRejection.MARKET_CLOSED),
        ("F33", VenueRejection.SUSPENDED),
        ("F33", VenueRejection.WRONG_ADDRESS),
        ("F34", VenueRejection.REVOKED),
    )
]  # fmt: skip
LATER = [
    Row(fault=f"{name} {refusal}", faults=refused(refusal, seconds=1), outcome="placed", orders=1, sent=2)
    for name, refusal in (
        ("F36", VenueRejection.RATE_LIMITED),
        ("F38", VenueRejection.TOO_OLD),
        ("F45", VenueRejection.FORBIDDEN),
    )
]
ROWS = [
    *LOST_REPLY,
    *VENUE_DOES_NOT_KNOW,
    *NEVER_ARRIVED,
    *REJECTED,
    *ACCOUNT_SUSPENDED,
    *LATER,
    Row(fault="F37 banned", faults=refused(VenueRejection.BANNED, seconds=1), outcome="placed", orders=1, sent=2,
        only="binance"),
    Row(fault="F37 banned, without a word for how long", faults=refused(VenueRejection.BANNED, seconds=1),
        outcome="expired", reason="banned", orders=0, sent=1, ttl_s=3.0, only="bybit"),
    Row(fault="F28 maintenance", faults=refused(VenueRejection.MAINTENANCE),
        outcome="expired", reason="no_trader", orders=0, sent=1, ttl_s=2.0, only="binance"),
    Row(fault="F10 a duplicate is an order of ours", orders=1, outcome="placed", sent=1,
        faults=refused(VenueRejection.DUPLICATE_ID, placed=True)),
    Row(fault="F11 hidden after a lost reply", faults=struck(FaultKind.CLOSED), lag_s=0.6, outcome="placed", orders=1,
        sent=1),
    Row(fault="F11 hidden for longer than was declared: the second order is caught", faults=struck(FaultKind.CLOSED),
        lag_s=8.0, outcome="placed", orders=2, sent=2, alarm="second_order", ttl_s=20.0, wait_s=10.0),
    Row(fault="F12 acknowledged, and never seen", faults=struck(FaultKind.DROPPED), outcome="placed", orders=0, sent=1,
        price="50000", alarm="missing"),
    Row(fault="F19 the request arrives late", faults=struck(FaultKind.DELAYED, seconds=0.45), outcome="placed",
        orders=1, sent=1),
    Row(fault="F19 the request arrives after the venue's window", faults=struck(FaultKind.DELAYED, seconds=0.55),
        outcome="placed", orders=1, sent=2),
    Row(fault="F29 cut off when half filled", faults=struck(FaultKind.CUT), outcome="placed", orders=1, sent=1,
        status="canceled"),
    Row(fault="F30 the venue prevents a trade with ourselves", faults=struck(FaultKind.PREVENTED), outcome="placed",
        orders=1, sent=1),
    Row(fault="F32 an acknowledgement with nothing in it", faults=struck(FaultKind.BARE_ACK), outcome="placed",
        orders=1, sent=1, status="closed"),
    Row(fault="F44 nobody is there", outcome="placed", orders=1, then=lambda exchange: exchange.go_down(0.8)),
    Row(fault="no proof is wanted: parked", faults=struck(FaultKind.LOST), outcome="parked", orders=0, sent=1,
        park=True),
    Row(fault="no proof is to be had while lookups fail", orders=1, outcome="unknown", sent=1,
        faults=(*struck(FaultKind.SILENT), *(Fault(refusal=VenueRejection.INTERNAL_ERROR, on=on, times=0)
                for on in (Operation.LOOKUP, Operation.OPEN_ORDERS, Operation.RECENT)))),
    Row(fault="F04 an empty object proves nothing", orders=1, outcome="unknown", sent=1,
        faults=(*struck(FaultKind.SILENT), *(Fault(kind=FaultKind.BRACES, on=on, times=0)
                for on in (Operation.LOOKUP, Operation.OPEN_ORDERS, Operation.RECENT)))),
    Row(fault="F02 the reply is lost, and every fourth read fails", orders=1, outcome="placed", sent=1,
        status="closed", faults=(*struck(FaultKind.CLOSED), *(Fault(kind=FaultKind.CLOSED, on=on, probability=0.25)
                for on in (Operation.LOOKUP, Operation.OPEN_ORDERS, Operation.RECENT, Operation.TRADES)))),
]  # fmt: skip
CASES = [
    pytest.param(dialect, row, id=f"{dialect} {row.fault}")
    for dialect in ("binance", "bybit")
    for row in ROWS
    if row.only in (None, dialect)
]


def settings_of(dialect: str, address: str, row: Row):
    block = settings_for(dialect, address)
    block["options"]["recvWindow"] = 500
    traders = [{"id": "main", "exchange": dialect, "ccxt": {**block, "timeout": 800, "timeout_on_exit": 0},
                "after_unknown": "park" if row.park else "settle"}]  # fmt: skip
    return load_settings(
        environ={"TIDEGATE_ALLOW_LIVE": "1"},
        overrides={
            "mode": "live",
            "symbols": json.dumps([SYMBOL]),
            "timeframe": "1m",
            "signals.strategies": "[]",
            "market.history": "0",
            "market.poll_s": "0.5",
            "validation.market.max_data_age_s": "600",
            "execution.urgent_score": "0",
            "execution.interval_s": "0.5",
            "execution.settle_s": "1.6",
            "execution.signal_ttl_s": str(row.ttl_s),
            "execution.reconcile_interval_s": "1",
            "execution.order_creation_retry_delay_ms": "100",
            "execution.order_creation_retries": "9",
            "traders": json.dumps(traders),
        },
    )


async def lived(loop: NetworkLoop, dialect: str, row: Row, folder: Path) -> Seen:
    """One signal, from its receipt to its end."""
    async with LocalExchange(dialect, lag_s=row.lag_s, seed=1) as exchange:
        settings = settings_of(dialect, exchange.address, row)
        clock = loop.clock()
        environ = {"TIDEGATE_TRADER_MAIN_API_KEY": "key", "TIDEGATE_TRADER_MAIN_SECRET": "secret",
                   "TIDEGATE_SKIP_PERMISSION_CHECK": "1"}  # fmt: skip
        real = RealVenues(settings, clock, environ=environ, dotenv=folder / "none")
        world = await real.open()
        journal = SqliteJournal(f"sqlite:///{folder}/journal.db", mode="live")
        engine = await assemble(settings, journal, clock, world.symbols, venues=real.venues, close_venues=[real.close])
        await engine.start([], background=[generated(engine, world, settings, strategies=False)])
        await until(
            lambda: engine.parts.markets.quotes and engine.parts.availability.get_available_traders(clock.now_ns())
        )
        exchange.faults.add(*row.faults)
        if row.then is not None:
            row.then(exchange)
        price = {} if row.price is None else {"price": row.price}
        fields = {"symbol": SYMBOL, "side": "buy", "strength": 0.9, "timestamp": "now", "key": "k", **price}
        await engine.submit(json.dumps(fields).encode(), may_say_now=True)
        (number,) = [history.number for history in journal.open()] or [1]
        await until(lambda: has_ended(engine, journal, number, row), within_s=row.ttl_s + 6)
        await asyncio.sleep(row.wait_s)  # what could still go wrong has its time
        line = line_of(journal.history(number))
        faults = [event.body.text for event in journal.read() if isinstance(event.body, e.Incident | e.Differed)]
        text = "\n".join(str(event.body) for event in journal.read())
        ours = [order for order in exchange.ledger.orders.values() if order.client_order_id in line.client_order_ids]
        seen = Seen(
            line=line,
            orders=len(ours),
            duplicates=len(exchange.ledger.duplicates),
            sent=exchange.asked[Operation.CREATE],
            during_ban=exchange.requests_during_ban,
            faults=faults,
            text=text,
        )
        await engine.stop()
        return seen


def has_ended(engine: Engine, journal: SqliteJournal, number: int, row: Row) -> bool:
    line = line_of(journal.history(number))
    if line.outcome != row.outcome or (row.status is not None and line.order_status != row.status):
        return False
    return row.outcome != "unknown" or engine.parts.clock.now_ns() - journal.history(number).events[0].at_ns > 4e9


async def until(done: Callable[[], object], within_s: float = 10.0) -> None:
    for _ in range(int(within_s / 0.05)):
        if done():
            return
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(("dialect", "row"), CASES)
def test_the_signal_ends_as_the_catalogue_asks(dialect, row, tmp_path):
    it = run(lambda loop: lived(loop, dialect, row, tmp_path))
    assert (it.line.outcome, it.orders, it.duplicates) == (row.outcome, row.orders, 0)
    if row.reason is not None:
        assert it.line.reason == row.reason
    if row.sent is not None:
        assert it.sent == row.sent
    if row.status is not None:
        assert it.line.order_status == row.status
    if row.alarm is not None:
        assert any(row.alarm in fault for fault in it.faults)
    assert it.during_ban == 0
    assert "secret" not in it.text
    assert "signature=" not in it.text
