"""Binance's user stream: the subscription of its websocket API, and its execution reports."""

from __future__ import annotations

import orjson

from tidegate.emulator.binance_errors import refuse
from tidegate.emulator.binance_words import order_of
from tidegate.emulator.dialect import Claim, Message
from tidegate.emulator.orders import ExchangeOrder, Status, Trade
from tidegate.emulator.refusal import VenueRejection

__all__ = ["BinanceStream"]

_WINDOW_MS = 5000
_ENDS = {Status.CANCELED: "CANCELED", Status.EXPIRED: "EXPIRED", Status.PREVENTED: "TRADE_PREVENTION"}


class BinanceStream:
    """One signed request logs in and subscribes; each message has the subscription's number beside the event."""

    path = "/ws-api/v3"

    def login(self, message: Message) -> Claim | VenueRejection | None:
        """Its parameters are signed in the order of their names."""
        if message.get("method") != "userDataStream.subscribe.signature":
            return None
        params = message["params"]
        text = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
        window_ms = int(params.get("recvWindow", _WINDOW_MS))
        return Claim(params["apiKey"], int(params["timestamp"]), window_ms, text.encode(), params["signature"])

    def welcome(self, message: Message) -> Message:
        """The number of the subscription."""
        return {"id": message["id"], "status": 200, "result": {"subscriptionId": 0}}

    def refuse(self, message: Message, refusal: VenueRejection, now_ms: int) -> Message:
        """The code and words of a request that was refused."""
        reply = refuse(refusal, now_ms=now_ms, until_ms=now_ms)
        return {"id": message["id"], "status": reply.status, "error": orjson.loads(reply.body)}

    def subscribes(self, message: Message) -> bool:
        """Who logs in subscribes."""
        return message.get("method") == "userDataStream.subscribe.signature"

    def answer(self, message: Message) -> Message | None:
        """Everything else fails."""
        return {"id": message.get("id"), "status": 400, "error": {"code": -1000, "msg": "Unknown method."}}

    def event(self, order: ExchangeOrder, trade: Trade | None, now_ms: int) -> Message:
        """An execution report. A canceled order's own id is in `C`, and `c` has that of the cancellation."""
        shown, canceled = order_of(order), order.status is Status.CANCELED
        report = {
            "e": "executionReport",
            "E": now_ms,
            "s": order.id,
            "c": f"cancel{order.venue_order_id}" if canceled else order.client_order_id,
            "S": shown["side"],
            "o": shown["type"],
            "f": order.time_in_force,
            "q": shown["origQty"],
            "p": shown["price"],
            "P": "0.00000000",
            "F": "0.00000000",
            "g": -1,
            "C": order.client_order_id if canceled else "",
            "x": "TRADE" if trade or order.status is Status.FILLED else _ENDS.get(order.status, "NEW"),
            "X": shown["status"],
            "r": "NONE",
            "i": shown["orderId"],
            "l": f"{trade.amount:.8f}" if trade else "0.00000000",
            "z": shown["executedQty"],
            "L": f"{trade.price:.8f}" if trade else "0.00000000",
            "n": f"{trade.fee:.8f}" if trade else "0",
            "N": trade.fee_currency if trade else None,
            "T": order.updated_at_ms,
            "t": int(trade.trade_id) if trade else -1,
            "w": order.status is Status.OPEN,
            "m": bool(trade and trade.is_maker),
            "O": order.accepted_at_ms,
            "Z": shown["cummulativeQuoteQty"],
            "Y": f"{trade.amount * trade.price:.8f}" if trade else "0.00000000",
            "Q": "0.00000000",
        }
        return {"subscriptionId": 0, "event": report}
