"""Why a paper venue does not take an order, in the words of the venue it plays."""

from __future__ import annotations

from decimal import Decimal

from tidegate.domain.market import MarketRules, base_of, quote_of
from tidegate.domain.order import NotPlaced, OrderRequest
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side
from tidegate.venues.paper.funds import Funds

__all__ = ["DUPLICATE", "UNKNOWN_SYMBOL", "reject"]

_FARTHEST = 5
_ZERO, _ONE = Decimal(0), Decimal(1)
_BUY = Side.BUY


def _rejected(detail: str) -> NotPlaced:
    return NotPlaced(reason=Reason.REJECTED, detail=detail, final=True)


UNKNOWN_SYMBOL = _rejected("-1121 Invalid symbol.")
"""There are no rules for the symbol: it is not traded here."""

DUPLICATE = _rejected("-2010 Duplicate order sent.")
"""An order under the same id is open here."""

_LOT_SIZE = _rejected("-1013 Filter failure: LOT_SIZE")
_PRICE_FILTER = _rejected("-1013 Filter failure: PRICE_FILTER")
_PERCENT_PRICE = _rejected("-1013 Filter failure: PERCENT_PRICE")
_NOTIONAL = _rejected("-1013 Filter failure: NOTIONAL")
_NO_FUNDS = _rejected("-2010 Account has insufficient balance for requested action.")
_NO_PRICE = NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="The market has no price yet.", final=False)


def reject(request: OrderRequest, rules: MarketRules, best: Decimal | None, funds: Funds) -> NotPlaced | None:
    """Why the order cannot be taken, while `best` is the opposite price, if there is one; None if it can.

    Final for this account, except that a market order may be tried again once the market has a price.
    """
    limit, amount, symbol = request.price, request.amount, request.symbol
    buying = request.side is _BUY
    if amount <= _ZERO or amount % rules.lot:
        return _LOT_SIZE
    if limit is not None:
        if limit <= _ZERO or limit % rules.tick:
            return _PRICE_FILTER
        if best is not None and best != limit and (limit > best * _FARTHEST or limit * _FARTHEST < best):
            return _PERCENT_PRICE
    price = best if limit is None else limit
    if price is None:
        return _NO_PRICE
    notional = amount * price
    if notional < rules.min_notional:
        return _NOTIONAL
    needed = request.reserved
    if limit is None and buying:
        needed = max(needed, notional * (_ONE + rules.taker_fee))
    currency = quote_of(symbol) if buying else base_of(symbol)
    return None if funds.cover(request.client_order_id, currency, needed) else _NO_FUNDS
