"""The user streams of an exchange: who listens to which account, and what they are sent when an order changes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

import orjson
from msgspec import Struct
from msgspec.structs import replace

from tidegate.emulator.account import ExchangeAccount
from tidegate.emulator.dialect import Claim, StreamDialect
from tidegate.emulator.faults import FaultKind, Faults, Operation
from tidegate.emulator.orders import ExchangeOrder, Status, Trade
from tidegate.emulator.refusal import VenueRejection

__all__ = ["StreamClient", "UserStreams"]

_STRANGE = 5_000_000_000
_CLOSED = {FaultKind.CLOSED, FaultKind.LOST_CLOSED}
_RESET = {FaultKind.RESET, FaultKind.LOST_RESET}
_NOT_SENT = {FaultKind.LOST, FaultKind.SILENT}
_GARBAGE = {
    FaultKind.EMPTY: "",
    FaultKind.HTML: "<!DOCTYPE html><html></html>",
    FaultKind.NULL: "null",
    FaultKind.BRACES: "{}",
    FaultKind.TRUNCATED: '{"topic":"order","data":[{"symbol":"BTC',
    FaultKind.ERROR_PAGE: '{"data":7,"topic":"order","event":[],"e":"executionReport"}',
}


class StreamClient(Protocol):
    """Somebody's websocket."""

    def send(self, text: str) -> None:
        """Send a message."""

    def close(self) -> None:
        """Close it in good order."""

    def reset(self) -> None:
        """Tear it down."""


class _Listener(Struct):
    api_key: str
    subscribed: bool = False
    muted: bool = False


class UserStreams:
    """Logs clients in, and sends each what happens to the orders of its account, unless a fault strikes the message.

    `admit` says whether a login is good. Memory: the clients.
    """

    def __init__(
        self,
        dialect: StreamDialect,
        *,
        admit: Callable[[Claim | VenueRejection | None], tuple[VenueRejection | None, ExchangeAccount, Claim | None]],
        faults: Faults,
        now_ms: Callable[[], int],
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._dialect, self._admit, self._faults = dialect, admit, faults
        self._now_ms, self._later = now_ms, later
        self._listeners: dict[StreamClient, _Listener] = {}
        self.logins = 0

    @property
    def path(self) -> str:
        """Where it is."""
        return self._dialect.path

    @property
    def listening(self) -> int:
        """How many clients are subscribed."""
        return sum(listener.subscribed for listener in self._listeners.values())

    def receive(self, client: StreamClient, text: str) -> None:
        """Take in a message of a client, and answer it."""
        try:
            message = orjson.loads(text)
            claim = self._dialect.login(message)
        except (AttributeError, KeyError, TypeError, ValueError):
            client.close()
            return
        if claim is not None:
            self._log_in(client, claim, message)
        elif client in self._listeners:
            answer = self._dialect.answer(message)
            if answer is not None and not self._listeners[client].muted:
                client.send(orjson.dumps(answer).decode())
        if client in self._listeners and self._dialect.subscribes(message):
            self._listeners[client].subscribed = True

    def gone(self, client: StreamClient) -> None:
        """A client has gone."""
        self._listeners.pop(client, None)

    def publish(self, api_key: str, order: ExchangeOrder, trade: Trade | None) -> None:
        """Send it that an order of an account changed."""
        for client, listener in list(self._listeners.items()):
            if listener.subscribed and listener.api_key == api_key and not listener.muted:
                self._publish(client, listener, order, trade)

    def _log_in(self, client: StreamClient, claim: Claim | VenueRejection, message: dict[str, object]) -> None:
        self.logins += 1
        refusal, account, _ = self._admit(claim)
        fault = self._faults.strike(Operation.LOGIN, None, None, account.api_key)
        if fault is not None and fault.kind in _CLOSED:
            client.close()
        elif fault is not None and fault.kind in _RESET:
            client.reset()
        elif fault is not None and fault.kind in _NOT_SENT:
            return
        elif refusal := (fault.refusal if fault is not None else None) or refusal:
            client.send(orjson.dumps(self._dialect.refuse(message, refusal, self._now_ms())).decode())
        else:
            self._listeners[client] = _Listener(account.api_key)
            client.send(orjson.dumps(self._dialect.welcome(message)).decode())

    def _publish(self, client: StreamClient, listener: _Listener, order: ExchangeOrder, trade: Trade | None) -> None:
        def event(order: ExchangeOrder) -> str:
            return orjson.dumps(self._dialect.event(order, trade, self._now_ms())).decode()

        fault = self._faults.strike(Operation.STREAM, order.symbol, order.client_order_id, listener.api_key)
        kind = None if fault is None else fault.kind
        if kind in _CLOSED:
            client.close()
        elif kind in _RESET:
            client.reset()
        elif kind in _NOT_SENT:
            listener.muted = kind is FaultKind.SILENT
        elif kind in _GARBAGE:
            client.send(_GARBAGE[kind])
        elif kind is FaultKind.UNTRUE:
            client.send(event(_filled(order)))
        elif fault is not None and kind is FaultKind.DELAYED:
            text = event(order)
            self._later(fault.seconds, lambda: client.send(text))
        else:
            client.send(event(order))
            if kind is FaultKind.DUPLICATED:
                client.send(event(order))
            elif kind is FaultKind.STRANGER:
                number = str(int(order.venue_order_id) + _STRANGE)
                client.send(event(replace(_filled(order), venue_order_id=number, client_order_id=f"by-hand-{number}")))


def _filled(order: ExchangeOrder) -> ExchangeOrder:
    amount: Decimal = order.amount
    return replace(order, status=Status.FILLED, filled=amount, cost=amount * order.price)
