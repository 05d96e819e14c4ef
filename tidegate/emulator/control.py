"""How somebody in another process scripts an exchange and reads the truth: requests to paths that begin with `/-/`."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import Struct

from tidegate.domain.signal import Side
from tidegate.emulator.faults import Fault
from tidegate.emulator.ledger import VenueLedger
from tidegate.emulator.orders import ExchangeOrder
from tidegate.emulator.service import Service
from tidegate.emulator.wire import Reply, Request

__all__ = ["control", "truth_of"]


class _Price(Struct, forbid_unknown_fields=True):
    symbol: str
    bid: Decimal
    ask: Decimal


class _Advance(Struct, forbid_unknown_fields=True):
    seconds: float


class _ByHand(Struct, forbid_unknown_fields=True):
    symbol: str
    side: Side
    amount: Decimal
    price: Decimal | None = None
    times: int = 1


class _Named(Struct, forbid_unknown_fields=True):
    venue_order_id: str
    amount: Decimal | None = None
    price: Decimal | None = None


class _State(Struct, forbid_unknown_fields=True):
    maintenance: bool | None = None
    lag_s: float | None = None
    halted: dict[str, bool] = {}
    revoked: dict[str, bool] = {}
    may_withdraw: dict[str, bool] = {}
    bound_to_address: dict[str, bool] = {}


def truth_of(service: Service) -> bytes:
    """All there is to know, as JSON: `accounts` by key, with `orders`, `trades`, `balances`, `duplicates`; counts."""
    accounts = {
        key: {
            "orders": list(account.ledger.orders.values()),
            "trades": account.ledger.trades,
            "balances": {
                coin: {"free": account.ledger.holdings.free[coin], "locked": account.ledger.holdings.locked[coin]}
                for coin in account.ledger.holdings.currencies
            },
            "duplicates": account.ledger.duplicates,
        }
        for key, account in service.accounts.items()
    }
    counts: dict[str, object] = {"requests": service.requests, "requests_during_ban": service.requests_during_ban}
    more = {"asked": service.asked, "struck": service.faults.struck, "now_ms": service.now_ms()}
    counts |= {"limits_exceeded": service.limits.exceeded}
    return msgspec.json.encode({"accounts": accounts} | counts | more)


def control(service: Service, request: Request) -> Reply:
    """Answer GET /-/ledger; POST to /-/faults, /-/price, /-/advance, /-/state, /-/order, /-/fill, /-/cancel;
    DELETE /-/faults.

    An order made there is somebody else's, on the first account, as often as `times` says. What is done is done at
    once, before the answer; an unknown path is 404, a body that does not fit 400.
    """
    try:
        return _control(service, request)
    except (KeyError, ValueError) as error:
        return Reply(msgspec.json.encode({"error": str(error)}), status=400)


def _control(service: Service, request: Request) -> Reply:
    body = request.body
    match request.method, request.path:
        case "GET", "/-/ledger":
            return Reply(truth_of(service))
        case "POST", "/-/faults":
            service.faults.add(*msgspec.json.decode(body, type=list[Fault]))
        case "DELETE", "/-/faults":
            service.faults.clear()
        case "POST", "/-/price":
            price = msgspec.json.decode(body, type=_Price)
            service.set_price(price.symbol, bid=price.bid, ask=price.ask)
        case "POST", "/-/advance":
            service.advance(msgspec.json.decode(body, type=_Advance).seconds)
        case "POST", "/-/state":
            _set_state(service, msgspec.json.decode(body, type=_State))
        case "POST", "/-/order":
            asked = msgspec.json.decode(body, type=_ByHand)
            for _ in range(asked.times):
                service.order_by_hand(asked.symbol, asked.side, asked.amount, price=asked.price)
        case "POST", "/-/fill":
            named = msgspec.json.decode(body, type=_Named)
            ledger, order = _open_order(service, named.venue_order_id)
            ledger.fill(order, service.now_ms(), amount=named.amount, price=named.price)
        case "POST", "/-/cancel":
            named = msgspec.json.decode(body, type=_Named)
            ledger, order = _open_order(service, named.venue_order_id)
            ledger.cancel(order, service.now_ms())
        case _:
            return Reply(b'{"error":"unknown path"}', status=404)
    return Reply(b"{}")


def _set_state(service: Service, state: _State) -> None:
    if state.maintenance is not None:
        service.maintenance = state.maintenance
    if state.lag_s is not None:
        service.lag_s = state.lag_s
    for symbol, halted in state.halted.items():
        service.listings[symbol].halted = halted
    for key, revoked in state.revoked.items():
        service.accounts[key].revoked = revoked
    for key, may_withdraw in state.may_withdraw.items():
        service.accounts[key].may_withdraw = may_withdraw
    for key, bound in state.bound_to_address.items():
        service.accounts[key].bound_to_address = bound


def _open_order(service: Service, venue_order_id: str) -> tuple[VenueLedger, ExchangeOrder]:
    for account in service.accounts.values():
        if order := account.ledger.open.get(venue_order_id):
            return account.ledger, order
    raise ValueError(f"venue_order_id must be of an open order, was {venue_order_id}")
