"""Orders, trades and markets in Bybit's words."""

from __future__ import annotations

from decimal import Decimal

from tidegate.domain.signal import OrderType
from tidegate.emulator.account import ExchangeAccount
from tidegate.emulator.listing import ListedSymbol
from tidegate.emulator.orders import ExchangeOrder, Status, Trade

__all__ = ["coin_of", "key_of", "market_of", "order_of", "ticker_of", "trade_of", "wallet_of"]

_STATUSES = {
    Status.OPEN: ("New", "PartiallyFilled"),
    Status.FILLED: ("Filled", "Filled"),
    Status.CANCELED: ("Cancelled", "PartiallyFilledCanceled"),
    Status.EXPIRED: ("Cancelled", "PartiallyFilledCanceled"),
    Status.PREVENTED: ("Cancelled", "Cancelled"),
}
_CANCEL_TYPES = {Status.CANCELED: "CancelByUser", Status.PREVENTED: "CancelBySmp"}


def _plain(amount: Decimal) -> str:
    return f"{amount:f}"


def order_of(order: ExchangeOrder) -> dict[str, object]:
    """An order as lookups and lists show it."""
    is_open = order.status is Status.OPEN
    fees: dict[str, Decimal] = {}
    for trade in order.trades:
        fees[trade.fee_currency] = fees.get(trade.fee_currency, Decimal(0)) + trade.fee
    return {
        "orderId": order.venue_order_id,
        "orderLinkId": order.client_order_id,
        "symbol": order.id,
        "price": _plain(order.price if order.order_type is OrderType.LIMIT else Decimal(0)),
        "qty": _plain(order.amount),
        "side": order.side.capitalize(),
        "orderType": order.order_type.capitalize(),
        "marketUnit": "baseCoin",
        "timeInForce": "PostOnly" if order.post_only else order.time_in_force,
        "orderStatus": _STATUSES[order.status][order.filled > 0],
        "cancelType": _CANCEL_TYPES.get(order.status, "UNKNOWN"),
        "rejectReason": "EC_NoError",
        "avgPrice": _plain(order.cost / order.filled) if order.filled else "",
        "leavesQty": _plain(order.remaining) if is_open else "0",
        "leavesValue": _plain(order.remaining * order.price) if is_open else "0",
        "cumExecQty": _plain(order.filled),
        "cumExecValue": _plain(order.cost),
        "cumExecFee": _plain(sum(fees.values(), Decimal(0))),
        "cumFeeDetail": {currency: _plain(fee) for currency, fee in fees.items()},
        "stopOrderType": "",
        "triggerPrice": "0",
        "takeProfit": "",
        "stopLoss": "",
        "reduceOnly": False,
        "closeOnTrigger": False,
        "smpType": "None",
        "smpOrderId": "",
        "createdTime": str(order.accepted_at_ms),
        "updatedTime": str(order.updated_at_ms),
    }


def trade_of(trade: Trade, order: ExchangeOrder) -> dict[str, object]:
    """One of the account's trades."""
    return {
        "symbol": order.id,
        "orderId": trade.venue_order_id,
        "orderLinkId": trade.client_order_id,
        "side": trade.side.capitalize(),
        "orderPrice": _plain(order.price),
        "orderQty": _plain(order.amount),
        "leavesQty": _plain(order.remaining),
        "orderType": order.order_type.capitalize(),
        "stopOrderType": "",
        "execFee": _plain(trade.fee),
        "feeCurrency": trade.fee_currency,
        "execId": trade.trade_id,
        "execPrice": _plain(trade.price),
        "execQty": _plain(trade.amount),
        "execType": "Trade",
        "execValue": _plain(trade.amount * trade.price),
        "execTime": str(trade.at_ms),
        "isMaker": trade.is_maker,
    }


def wallet_of(account: ExchangeAccount) -> dict[str, object]:
    """The unified account with its balances."""
    held = account.ledger.holdings
    return {
        "accountType": "UNIFIED",
        "coin": [
            {
                "coin": one,
                "walletBalance": _plain(held.free[one] + held.locked[one]),
                "equity": _plain(held.free[one] + held.locked[one]),
                "locked": _plain(held.locked[one]),
                "availableToWithdraw": "",
                "borrowAmount": "0",
                "accruedInterest": "0",
                "totalOrderIM": "0",
                "totalPositionIM": "0",
            }
            for one in held.currencies
        ],
    }


def key_of(account: ExchangeAccount) -> dict[str, object]:
    """What the account's key may do."""
    wallet = ["AccountTransfer", "SubMemberTransfer", *(["Withdraw"] if account.may_withdraw else [])]
    return {
        "id": "13770661",
        "note": "tidegate",
        "apiKey": account.api_key,
        "readOnly": 0,
        "secret": "",
        "permissions": {"Spot": ["SpotTrade"], "Wallet": wallet, "ContractTrade": [], "Options": [], "Exchange": []},
        "ips": ["127.0.0.1"] if account.bound_to_address else ["*"],
        "type": 1,
        "deadlineDay": 83,
        "unified": 0,
        "uta": 1,
        "userID": account.user_id,
        "isMaster": True,
    }


def ticker_of(listing: ListedSymbol) -> dict[str, object]:
    """The last day of a symbol, in which nothing has happened."""
    bid, ask = _plain(listing.bid), _plain(listing.ask)
    return {
        "symbol": listing.id,
        "bid1Price": bid,
        "bid1Size": "1000",
        "ask1Price": ask,
        "ask1Size": "1000",
        "lastPrice": bid,
        "prevPrice24h": bid,
        "price24hPcnt": "0",
        "highPrice24h": ask,
        "lowPrice24h": bid,
        "turnover24h": _plain(listing.bid * 1000),
        "volume24h": "1000",
    }


def market_of(listing: ListedSymbol) -> dict[str, object]:
    """A symbol with its filters."""
    return {
        "symbol": listing.id,
        "baseCoin": listing.base,
        "quoteCoin": listing.quote,
        "innovation": "0",
        "status": "Closed" if listing.halted else "Trading",
        "marginTrading": "none",
        "lotSizeFilter": {
            "basePrecision": _plain(listing.lot),
            "quotePrecision": "0.00000001",
            "minOrderQty": _plain(listing.lot),
            "maxOrderQty": "9000000",
            "minOrderAmt": _plain(listing.min_notional),
            "maxOrderAmt": "9000000",
        },
        "priceFilter": {"tickSize": _plain(listing.tick)},
    }


def coin_of(coin: str) -> dict[str, object]:
    """A currency."""
    return {"name": coin, "coin": coin, "remainAmount": "0", "chains": []}
