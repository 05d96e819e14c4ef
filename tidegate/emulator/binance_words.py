"""Orders, trades and markets in Binance's words."""

from __future__ import annotations

from decimal import Decimal

from tidegate.domain.signal import OrderType
from tidegate.emulator.account import ExchangeAccount
from tidegate.emulator.listing import ListedSymbol
from tidegate.emulator.orders import ExchangeOrder, Status, Trade

__all__ = ["account_of", "canceled", "created", "key_of", "market_of", "order_of", "ticker_of", "trade_of"]

_STATUSES = {
    Status.OPEN: "NEW",
    Status.FILLED: "FILLED",
    Status.CANCELED: "CANCELED",
    Status.EXPIRED: "EXPIRED",
    Status.PREVENTED: "EXPIRED_IN_MATCH",
}


def _money(amount: Decimal) -> str:
    return f"{amount:.8f}"


def _common(order: ExchangeOrder) -> dict[str, object]:
    is_limit = order.order_type is OrderType.LIMIT
    partly = order.status is Status.OPEN and order.filled
    return {
        "symbol": order.id,
        "orderId": int(order.venue_order_id),
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "price": _money(order.price if is_limit else Decimal(0)),
        "origQty": _money(order.amount),
        "executedQty": _money(order.filled),
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": _money(order.cost),
        "status": "PARTIALLY_FILLED" if partly else _STATUSES[order.status],
        "timeInForce": order.time_in_force,
        "type": "LIMIT_MAKER" if order.post_only else order.order_type.upper(),
        "side": order.side.upper(),
        "workingTime": order.accepted_at_ms,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def order_of(order: ExchangeOrder) -> dict[str, object]:
    """An order as lookups and lists show it."""
    return _common(order) | {
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": order.accepted_at_ms,
        "updateTime": order.updated_at_ms,
        "isWorking": True,
    }


def created(order: ExchangeOrder, answer: str) -> dict[str, object]:
    """An order as its creation is answered: `ACK`, `RESULT` or `FULL`."""
    if answer == "ACK":
        return {
            "symbol": order.id,
            "orderId": int(order.venue_order_id),
            "orderListId": -1,
            "clientOrderId": order.client_order_id,
            "transactTime": order.accepted_at_ms,
        }
    said = _common(order) | {"transactTime": order.accepted_at_ms}
    if answer == "FULL":
        said["fills"] = [
            {
                "price": _money(trade.price),
                "qty": _money(trade.amount),
                "commission": _money(trade.fee),
                "commissionAsset": trade.fee_currency,
                "tradeId": int(trade.trade_id),
            }
            for trade in order.trades
        ]
    return said


def canceled(order: ExchangeOrder) -> dict[str, object]:
    """An order as its cancellation is answered, which has a client order id of its own."""
    return _common(order) | {
        "origClientOrderId": order.client_order_id,
        "clientOrderId": f"cancel{order.venue_order_id}",
        "transactTime": order.updated_at_ms,
    }


def trade_of(trade: Trade, id: str) -> dict[str, object]:
    """One of the account's trades."""
    return {
        "symbol": id,
        "id": int(trade.trade_id),
        "orderId": int(trade.venue_order_id),
        "orderListId": -1,
        "price": _money(trade.price),
        "qty": _money(trade.amount),
        "quoteQty": _money(trade.amount * trade.price),
        "commission": _money(trade.fee),
        "commissionAsset": trade.fee_currency,
        "time": trade.at_ms,
        "isBuyer": trade.side == "buy",
        "isMaker": trade.is_maker,
        "isBestMatch": True,
    }


def account_of(account: ExchangeAccount, now_ms: int) -> dict[str, object]:
    """The account with its balances."""
    held = account.ledger.holdings
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "canTrade": True,
        "canWithdraw": account.may_withdraw,
        "canDeposit": True,
        "updateTime": now_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": one, "free": _money(held.free[one]), "locked": _money(held.locked[one])}
            for one in held.currencies
        ],
        "permissions": ["SPOT"],
        "uid": account.user_id,
    }


def key_of(account: ExchangeAccount) -> dict[str, object]:
    """What the account's key may do."""
    return {
        "ipRestrict": account.bound_to_address,
        "createTime": 1700000000000,
        "enableReading": True,
        "enableWithdrawals": account.may_withdraw,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "enableVanillaOptions": False,
        "enableSpotAndMarginTrading": True,
        "enablePortfolioMarginTrading": False,
    }


def ticker_of(listing: ListedSymbol, now_ms: int) -> dict[str, object]:
    """The last day of a symbol, in which nothing has happened."""
    bid, ask, depth, none = _money(listing.bid), _money(listing.ask), "1000.00000000", "0.00000000"
    return {
        "symbol": listing.id,
        "priceChange": none,
        "priceChangePercent": "0.000",
        "weightedAvgPrice": bid,
        "prevClosePrice": bid,
        "lastPrice": bid,
        "lastQty": "1.00000000",
        "bidPrice": bid,
        "bidQty": depth,
        "askPrice": ask,
        "askQty": depth,
        "openPrice": bid,
        "highPrice": ask,
        "lowPrice": bid,
        "volume": depth,
        "quoteVolume": _money(listing.bid * 1000),
        "openTime": now_ms - 86_400_000,
        "closeTime": now_ms,
        "firstId": 1,
        "lastId": 1000,
        "count": 1000,
    }


def market_of(listing: ListedSymbol) -> dict[str, object]:
    """A symbol with its filters."""
    lots = {"minQty": _money(listing.lot), "maxQty": "9000000.00000000"}
    return {
        "symbol": listing.id,
        "status": "BREAK" if listing.halted else "TRADING",
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": _money(listing.tick),
                "maxPrice": "1000000.00000000",
                "tickSize": _money(listing.tick),
            },
            {"filterType": "LOT_SIZE", "stepSize": _money(listing.lot), **lots},
            {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.00000000", "minQty": "0.00000000", "maxQty": "100000.0"},
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": f"{listing.farthest}",
                "bidMultiplierDown": f"{1 / listing.farthest}",
                "askMultiplierUp": f"{listing.farthest}",
                "askMultiplierDown": f"{1 / listing.farthest}",
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": _money(listing.min_notional),
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }
