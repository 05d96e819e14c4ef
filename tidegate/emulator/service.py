"""What an exchange does with a request, between the wire and the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from heapq import heappop, heappush
from itertools import count

from msgspec.structs import replace

from tidegate.domain.signal import OrderType, Side
from tidegate.emulator.account import ExchangeAccount
from tidegate.emulator.dialect import Claim, Dialect, DialectCall, Route
from tidegate.emulator.faults import Fault, FaultKind, Faults, Operation
from tidegate.emulator.ledger import VenueLedger
from tidegate.emulator.limits import NoLimits, RequestLimits
from tidegate.emulator.listing import ListedSymbol, ListedSymbols
from tidegate.emulator.orders import ExchangeOrder, Fate, NewOrder
from tidegate.emulator.refusal import VenueRejection
from tidegate.emulator.spoiled import spoil
from tidegate.emulator.user_streams import UserStreams
from tidegate.emulator.wire import Answer, Reply, Request, Silence, Upgrade

__all__ = ["Service"]

_FIRST_ID = 4_000_000_001
_FIRST_USER = 24_600_000
_FUTURE_MS = 1000
_FATES = {FaultKind.DROPPED: Fate.DROPPED, FaultKind.CUT: Fate.CUT, FaultKind.PREVENTED: Fate.PREVENTED}
_NOTHING = Reply(b"")


class Service:
    """Understands requests, checks who sent them and when, lets faults strike, and answers.

    Its clock is `now_ms`, and can be moved on by `advance`. Orders show `lag_s` after they were accepted. `wake` is
    asked to call back after some seconds, for requests that are delivered late. `secrets` maps API keys to secrets;
    each account starts with its own copy of `balances`.

    `limits` says how much it takes; without any it takes everything. `requests` counts all that came, `asked` those
    that were understood, by operation; `requests_during_ban` those that came while their address was banned, which
    lasts until `banned_until_ms`. `streams` sends accounts what happens to their orders.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        secrets: Mapping[str, str],
        balances: Mapping[str, Decimal],
        listings: Iterable[ListedSymbol],
        faults: Faults,
        lag_s: float,
        now_ms: Callable[[], int],
        wake: Callable[[float, Callable[[], None]], object],
        limits: RequestLimits | None = None,
    ) -> None:
        self.limits = limits or NoLimits()
        self.listings = ListedSymbols(listings)
        self.faults = faults
        self.lag_s = lag_s
        self.maintenance = False
        self.banned_until_ms = 0
        self.requests = 0
        self.requests_during_ban = 0
        self.asked: Counter[Operation] = Counter()
        self.streams = UserStreams(
            dialect.stream, admit=self._admit, faults=faults, now_ms=self.now_ms, later=self._call_later
        )
        ids = count(_FIRST_ID)
        self.accounts = {
            key: ExchangeAccount(
                api_key=key,
                secret=secret,
                ledger=VenueLedger(self.listings, balances, ids, partial(self.streams.publish, key)),
                user_id=user_id,
            )
            for user_id, (key, secret) in enumerate(secrets.items(), _FIRST_USER)
        }
        self._dialect = dialect
        self._somebody = next(iter(self.accounts.values()))
        self._clock = now_ms
        self._offset_ms = 0
        self._wake = wake
        self._late: list[tuple[int, int, Callable[[], None]]] = []
        self._lates = count()

    @property
    def ledger(self) -> VenueLedger:
        """The ledger of the first account."""
        return self._somebody.ledger

    def now_ms(self) -> int:
        """The exchange's time, in milliseconds UTC."""
        return self._clock() + self._offset_ms

    def advance(self, seconds: float) -> None:
        """Move the exchange's clock on, or back, and deliver what was late until then."""
        self._offset_ms += round(seconds * 1000)
        self._deliver_late()

    def set_price(self, symbol: str, *, bid: Decimal, ask: Decimal) -> None:
        """Move a market, and fill the open orders that it reaches."""
        listing = self.listings[symbol]
        listing.bid, listing.ask = bid, ask
        for account in self.accounts.values():
            account.ledger.reach(listing, self.now_ms())

    def order_by_hand(
        self, symbol: str, side: Side, amount: Decimal, *, price: Decimal | None = None, client_order_id: str = ""
    ) -> ExchangeOrder:
        """Place an order on the first account as a person would, at the exchange itself; by default at the market.

        Raises:
            ValueError: the exchange refuses it.
        """
        listing = self.listings[symbol]
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        asked = NewOrder(
            id=listing.id, client_order_id=client_order_id, side=side, order_type=kind, amount=amount, price=price
        )
        placed = self.ledger.create(asked, self.now_ms())
        if isinstance(placed, VenueRejection):
            raise ValueError(f"the exchange refuses {asked}: {placed}")
        return placed

    def handle(self, request: Request, answer: Answer) -> None:
        """Do what a request asks for, unless a fault strikes it, and answer it, now or later."""
        now_ms = self.now_ms()
        self.requests += 1
        if now_ms < self.banned_until_ms:
            self.requests_during_ban += 1
            answer(self._refuse(VenueRejection.BANNED, self.banned_until_ms))
            return
        route = self._dialect.routes.get((request.method, request.path))
        if route is None:
            answer(Reply(b"<html><body><h2>404 Not found</h2></body></html>", status=404, content_type="text/html"))
            return
        try:
            params = self._dialect.read(request)
        except ValueError:
            answer(self._refuse(VenueRejection.BAD_PARAMETER))
            return
        operation = route.operation(params)
        self.asked[operation] += 1
        said = self._dialect.claim(request, params) if route.signed else None
        spent = self.limits.spend(request, params, said.api_key if isinstance(said, Claim) else "", now_ms)
        if spent.refused is not None:
            self.banned_until_ms = max(self.banned_until_ms, spent.banned_until_ms)
            answer(spent.refused)
            return
        answer = _with_headers(answer, spent.headers)
        refusal, account, claim = self._admit(said)
        if refusal is not None:
            answer(self._refuse(refusal))
            return
        call = DialectCall(params, self.listings, account, now_ms, self.limits.declared(), round(self.lag_s * 1000))
        market_id, client_order_id = self._dialect.order_of(params)
        listing = self.listings.find(market_id) if market_id else None
        symbol = None if listing is None else listing.symbol
        fault = self.faults.strike(operation, symbol, client_order_id, account.api_key)
        if fault is None:
            answer(self._respond(route, call))
        elif fault.kind is FaultKind.DELAYED:
            self._call_later(fault.seconds, lambda: answer(self._deliver(route, call, claim)))
        else:
            self._misbehave(fault, route, call, answer)

    def _admit(
        self, claim: Claim | VenueRejection | None
    ) -> tuple[VenueRejection | None, ExchangeAccount, Claim | None]:
        if self.maintenance:
            return VenueRejection.MAINTENANCE, self._somebody, None
        if claim is None:
            return None, self._somebody, None
        if isinstance(claim, VenueRejection):
            return claim, self._somebody, None
        account = self.accounts.get(claim.api_key)
        if account is None:
            return VenueRejection.UNKNOWN_KEY, self._somebody, claim
        if account.revoked:
            return VenueRejection.REVOKED, account, claim
        if not account.signs(claim.signed, claim.signature):
            return VenueRejection.BAD_SIGNATURE, account, claim
        return self._untimely(claim), account, claim

    def _untimely(self, claim: Claim) -> VenueRejection | None:
        now_ms = self.now_ms()
        if claim.timestamp_ms > now_ms + _FUTURE_MS:
            return VenueRejection.FROM_THE_FUTURE
        return VenueRejection.TOO_OLD if now_ms - claim.timestamp_ms > claim.window_ms else None

    def _respond(self, route: Route, call: DialectCall) -> Reply:
        try:
            said = route.respond(call)
        except (KeyError, ValueError):
            return self._refuse(VenueRejection.BAD_PARAMETER)
        return self._refuse(said) if isinstance(said, VenueRejection) else said

    def _misbehave(self, fault: Fault, route: Route, call: DialectCall, answer: Answer) -> None:
        call.fate = _FATES.get(fault.kind, Fate.TAKEN)
        call.bare = fault.kind is FaultKind.BARE_ACK
        if fault.kind is FaultKind.HIDDEN:
            call.lag_ms = round(fault.seconds * 1000)
        reply = self._respond(route, call) if fault.is_placed else _NOTHING
        if fault.refusal is not None:
            until_ms = call.now_ms + round(fault.seconds * 1000)
            if fault.refusal is VenueRejection.BANNED:
                self.banned_until_ms = until_ms
            reply = self._refuse(fault.refusal, until_ms, fault.status)
        answer(spoil(fault, reply))

    def _deliver(self, route: Route, call: DialectCall, claim: Claim | None) -> Reply:
        if claim is not None and (refusal := self._untimely(claim)):
            return self._refuse(refusal)
        call.now_ms = self.now_ms()
        return self._respond(route, call)

    def _call_later(self, seconds: float, call: Callable[[], None]) -> None:
        heappush(self._late, (self.now_ms() + round(seconds * 1000), next(self._lates), call))
        self._wake(seconds, self._deliver_late)

    def _deliver_late(self) -> None:
        while self._late and self._late[0][0] <= self.now_ms():
            heappop(self._late)[2]()

    def _refuse(self, refusal: VenueRejection, until_ms: int | None = None, status: int | None = None) -> Reply:
        now_ms = self.now_ms()
        until_ms = now_ms + _FUTURE_MS if until_ms is None else until_ms
        return self._dialect.refuse(refusal, now_ms=now_ms, until_ms=until_ms, status=status)


def _with_headers(answer: Answer, headers: str) -> Answer:
    """Answer with some headers more, where there is an answer at all."""

    def more(reply: Reply | Silence | Upgrade) -> None:
        answer(replace(reply, headers=reply.headers + headers) if isinstance(reply, Reply) else reply)

    return more if headers else answer
