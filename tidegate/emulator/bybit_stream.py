"""Bybit's user stream: the private websocket of its version 5, and its topic of orders."""

from __future__ import annotations

import orjson

from tidegate.emulator.bybit_errors import refuse
from tidegate.emulator.bybit_words import order_of
from tidegate.emulator.dialect import Claim, Message
from tidegate.emulator.orders import ExchangeOrder, Trade
from tidegate.emulator.refusal import VenueRejection

__all__ = ["BybitStream"]

_EXPIRES_MS = 10_000


class BybitStream:
    """First a signed login, then a subscription to topics; pings are messages of their own."""

    path = "/v5/private"

    def login(self, message: Message) -> Claim | VenueRejection | None:
        """What is signed is the moment at which the login expires."""
        if message.get("op") != "auth":
            return None
        key, expires, signature = message["args"]
        return Claim(key, int(expires) - _EXPIRES_MS, _EXPIRES_MS, f"GET/realtime{expires}".encode(), signature)

    def welcome(self, message: Message) -> Message:  # noqa: ARG002
        """That it succeeded."""
        return {"success": True, "ret_msg": "", "op": "auth", "conn_id": "d266o6hqo29sqmnq4vk0-1yus1"}

    def refuse(self, message: Message, refusal: VenueRejection, now_ms: int) -> Message:
        """The words, in which the key is repeated."""
        words = orjson.loads(refuse(refusal, now_ms=now_ms, until_ms=now_ms).body)["retMsg"]
        return {"success": False, "ret_msg": f"error:{words}", "conn_id": "d266o6", "request": dict(message)}

    def subscribes(self, message: Message) -> bool:
        """To the topic `order`."""
        return message.get("op") == "subscribe" and "order" in message["args"]

    def answer(self, message: Message) -> Message | None:
        """To a subscription, and to a ping."""
        if message.get("op") == "subscribe":
            return {"success": True, "ret_msg": "", "op": "subscribe", "req_id": str(message.get("req_id", ""))}
        if message.get("op") == "ping":
            return {"req_id": str(message.get("req_id", "")), "op": "pong", "args": ["0"], "conn_id": "d266o6"}
        return {"success": False, "ret_msg": "error:invalid op", "request": dict(message)}

    def event(self, order: ExchangeOrder, trade: Trade | None, now_ms: int) -> Message:  # noqa: ARG002
        """The order as lookups show it."""
        data = [order_of(order) | {"category": "spot"}]
        return {"id": f"{now_ms}", "topic": "order", "creationTime": now_ms, "data": data}
