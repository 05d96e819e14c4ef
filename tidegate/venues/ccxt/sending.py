"""Sending an order, once, and reading what came of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tidegate.clock import Clock
from tidegate.domain.market import MarketRules
from tidegate.domain.order import Acknowledged, Answer, NotPlaced, OrderRequest, Unanswered
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Side
from tidegate.venues.ccxt.address import LeftAlone, Priority, asked_as
from tidegate.venues.ccxt.answers import OrderTaken, Reading, read_failure, read_reply
from tidegate.venues.ccxt.calls import ExchangeCall, recorded
from tidegate.venues.ccxt.connection import VenueConnection
from tidegate.venues.ccxt.direct import OrderCreator
from tidegate.venues.ccxt.finding import OrderFinder
from tidegate.venues.ccxt.forms import MalformedAnswer
from tidegate.venues.ccxt.meaning import Meaning
from tidegate.venues.ccxt.reads import bounded
from tidegate.venues.ccxt.records import Question, acknowledged

__all__ = ["OrderSender"]


class OrderSender:
    """Sends orders in markets with `rules`. Those which a rejection shows to be out of date are read again by
    `refresh`."""

    def __init__(
        self,
        connection: VenueConnection,
        finder: OrderFinder,
        *,
        clock: Clock,
        rules: Callable[[str], MarketRules | None],
        refresh: Callable[[Reading], Awaitable[object]],
    ) -> None:
        self._creator = OrderCreator(connection.exchange, connection.direct, rules)
        self._connection, self._quirks, self._finder = connection, connection.quirks, finder
        self._clock, self._refresh = clock, refresh

    async def send(self, request: OrderRequest) -> Answer:
        """Send an order. Never raises for what a venue may do."""
        buys_at_market = request.order_type is OrderType.MARKET and request.side is Side.BUY
        if buys_at_market and not self._quirks.market_buys:
            detail = (
                f"{self._connection.exchange.id} takes no amount to buy at the market: let pricing.order_type be limit"
            )
            return NotPlaced(reason=Reason.REJECTED, detail=detail, final=True)
        question = Question("create order", self._clock)
        with recorded(request.client_order_id) as call, asked_as(Priority.ORDER):
            try:
                params = self._connection.order_params(request.client_order_id)
                order = await bounded(self._creator.create(request, params), self._connection)
                reading = read_reply(order, self._quirks, self._connection.secrets)
            except LeftAlone as error:
                return NotPlaced(reason=error.reason, detail=str(error), final=False, retry_after_s=error.for_s)
            except Exception as error:
                reading = self._failure(error, call)
        if isinstance(reading, Reading):
            return await self._not_taken(reading, request, question)
        return self._taken(reading, order, question)

    def _taken(self, taken: OrderTaken, order: Mapping[str, Any], question: Question) -> Acknowledged:
        """Trades in the reply that lack something are left to be looked up: the order itself is there."""
        try:
            return acknowledged(taken, order, order.get("trades") or (), self._quirks, question)
        except MalformedAnswer:
            return acknowledged(taken, order, (), self._quirks, question)

    def _failure(self, error: Exception, call: ExchangeCall) -> Reading:
        return read_failure(
            error,
            self._quirks,
            sent=call.sent,
            headers=call.headers,
            now_ms=time.time_ns() // 1_000_000,
            status=call.status,
            body=call.body,
            secrets=self._connection.secrets,
        )

    async def _not_taken(self, reading: Reading, request: OrderRequest, question: Question) -> Answer:
        meaning, reason = reading.meaning, reading.reason
        rule = f"{meaning}" if reading.code is None else f"{meaning}, by code {reading.code}"
        seen = question.evidence(reading.detail, rule)
        if meaning is Meaning.EXISTS:
            finding = await self._finder.find(request)
            return finding if isinstance(finding, Acknowledged) else Unanswered(detail=reading.detail, evidence=seen)
        if meaning is Meaning.UNKNOWN:
            return Unanswered(detail=reading.detail, evidence=seen)
        await self._refresh(reading)
        return NotPlaced(
            reason=reason,
            detail=reading.detail,
            final=meaning is Meaning.REJECTED and reason is Reason.REJECTED,
            retry_after_s=reading.retry_after_s,
            address_wide=reading.address_wide,
            evidence=seen,
        )
