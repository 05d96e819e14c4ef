"""Why a paper venue does not take an order, in the words of the venue it plays."""

from __future__ import annotations

from decimal import Decimal

from tidegate.domain.account import Account
from tidegate.domain.market import MarketRules, base_of, quote_of
from tidegate.domain.order import NotPlaced, OrderRequest
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side

__all__ = ["UNKNOWN_SYMBOL", "reject"]

_FARTHEST = 5

UNKNOWN_SYMBOL = NotPlaced(reason=Reason.REJECTED, detail="-1121 Invalid symbol.", final=True)
"""There are no rules for the symbol: it is not traded here."""


def reject(request: OrderRequest, rules: MarketRules, best: Decimal | None, account: Account) -> NotPlaced | None:
    """Why the order cannot be taken, while `best` is the opposite price, if there is one; None if it can.

    Final for this account, except that a market order may be tried again once the market has a price.
    """
    limit, amount, buying = request.price, request.amount, request.side is Side.BUY
    if request.client_order_id in account.orders:
        return _rejected("-2010 Duplicate order sent.")
    if amount <= 0 or amount % rules.lot:
        return _rejected("-1013 Filter failure: LOT_SIZE")
    if limit is not None:
        if limit <= 0 or limit % rules.tick:
            return _rejected("-1013 Filter failure: PRICE_FILTER")
        if best is not None and (limit > best * _FARTHEST or limit * _FARTHEST < best):
            return _rejected("-1013 Filter failure: PERCENT_PRICE")
    price = best if limit is None else limit
    if price is None:
        return NotPlaced(reason=Reason.REJECTED_FOR_NOW, detail="The market has no price yet.", final=False)
    if amount * price < rules.min_notional:
        return _rejected("-1013 Filter failure: NOTIONAL")
    needed = request.reserved
    if limit is None and buying:
        needed = max(needed, amount * price * (1 + rules.taker_fee))
    if needed > account.free(quote_of(request.symbol) if buying else base_of(request.symbol)):
        return _rejected("-2010 Account has insufficient balance for requested action.")
    return None


def _rejected(detail: str) -> NotPlaced:
    return NotPlaced(reason=Reason.REJECTED, detail=detail, final=True)
