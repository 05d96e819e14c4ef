"""What the local exchange lists, a page at a time and under the real limits; whose fees and whose orders it has."""

from decimal import Decimal

import pytest

ccxt = pytest.importorskip("ccxt.async_support")

from tidegate.domain.signal import Side  # noqa: E402

BTC = "BTC/USDT"
A_DAY_S = 86_400


def placed_by_hand(exchange, count, *, price=None):
    """Orders 1 ms apart, oldest first."""
    orders = []
    for _ in range(count):
        orders.append(exchange.order_by_hand(BTC, Side.BUY, Decimal("0.001"), price=price))
        exchange.advance(0.001)
    return orders


def ids(listed):
    return [one["id"] for one in listed]


def test_without_a_limit_a_page_has_the_size_of_the_real_one(speak, dialect):
    async def scenario(exchange, client):
        placed_by_hand(exchange, 510)
        now = exchange.now_ms()
        client.options["timeDifference"] = client.milliseconds() - now
        if dialect == "binance":
            return [len(await client.fetch_orders(BTC)), len(await client.fetch_my_trades(BTC))]
        over, trades = await client.fetch_canceled_and_closed_orders(BTC), await client.fetch_my_trades(BTC)
        return [len(over), len(trades)]

    assert speak(dialect, scenario) == ([500, 500] if dialect == "binance" else [20, 50])


def test_binance_s_pages_begin_at_a_time_or_at_an_id_and_go_forward(speak):
    async def scenario(exchange, client):
        trades = [order.trades[0] for order in placed_by_hand(exchange, 5)]
        since = await client.fetch_my_trades(BTC, trades[1].at_ms, 2)
        after = await client.fetch_my_trades(BTC, None, 2, {"fromId": trades[3].trade_id})
        newest = await client.fetch_my_trades(BTC, None, 2)
        of_one = await client.fetch_order_trades(trades[2].venue_order_id, BTC)
        return [trade.trade_id for trade in trades], ids(since), ids(after), ids(newest), ids(of_one)

    trades, since, after, newest, of_one = speak("binance", scenario)
    assert (since, after, newest, of_one) == (trades[1:3], trades[3:], trades[3:], trades[2:3])


def test_bybit_s_pages_go_back_from_the_newest_by_cursor(speak):
    async def scenario(exchange, client):
        orders = placed_by_hand(exchange, 5)
        pages, cursor = [], None
        while cursor != "":
            page = await client.privateGetV5OrderHistory(
                {"category": "spot", "limit": 2, **({"cursor": cursor} if cursor else {})}
            )
            cursor = page["result"]["nextPageCursor"]
            pages.append([order["orderId"] for order in page["result"]["list"]])
        return [order.venue_order_id for order in orders], pages

    orders, pages = speak("bybit", scenario)
    assert pages == [orders[:2:-1], orders[2:0:-1], orders[:1]]


def test_a_listing_selects_by_creation_and_within_the_real_window(speak, dialect):
    async def scenario(exchange, client):
        (old,) = placed_by_hand(exchange, 1, price=Decimal(50000))
        made_ms = exchange.now_ms()
        exchange.advance(8 * A_DAY_S)
        exchange.set_price(BTC, bid=Decimal(49000), ask=Decimal(49001))
        client.options["timeDifference"] = client.milliseconds() - exchange.now_ms()
        over = client.fetch_orders if dialect == "binance" else client.fetch_canceled_and_closed_orders
        lately = await over(BTC, exchange.now_ms() - 3_600_000)
        trades = await client.fetch_my_trades(BTC, exchange.now_ms() - 3_600_000)
        return old.venue_order_id, ids(lately), [t["order"] for t in trades], ids(await over(BTC, made_ms - 60_000))

    old, lately, trades, then = speak(dialect, scenario)
    assert (lately, trades, then) == ([], [old], [old])


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_fees_may_be_in_a_coin_of_the_exchange_s_own(speak, dialect, side):
    async def scenario(exchange, client):
        exchange.listings.fee_coin = "BNB"
        exchange.order_by_hand(BTC, side, Decimal("0.01"))
        (trade,) = await client.fetch_my_trades(BTC)
        said = trade["info"]  # ccxt takes bybit's fees for fees in the currency received
        coin = said.get("feeCurrency") or said["commissionAsset"]
        return coin, trade["fee"]["cost"], exchange.ledger.holdings.free

    coin, fee, free = speak(dialect, scenario)
    # 0.01 at 60000.01 (bought) or 59999.99 (sold), a thousandth of that in coins of 600
    paid = Decimal("0.00100000")
    assert (coin, Decimal(str(fee))) == ("BNB", paid)
    assert free["BNB"] == 100 - paid
    assert free["BTC"] == (Decimal("100.01") if side is Side.BUY else Decimal("99.99"))
    assert free["USDT"] == (Decimal("999399.9999") if side is Side.BUY else Decimal("1000599.9999"))


def test_a_person_s_order_has_no_id_of_ours_and_a_refusal_is_an_error(speak, dialect):
    async def scenario(exchange, client):
        order = exchange.order_by_hand(BTC, Side.SELL, Decimal("0.01"), price=Decimal(70000))
        (listed,) = await client.fetch_open_orders(BTC)
        with pytest.raises(ValueError, match="insufficient_balance"):
            exchange.order_by_hand(BTC, Side.SELL, Decimal(1000))
        return order.venue_order_id, listed["id"], listed["clientOrderId"]

    order, listed, client_order_id = speak(dialect, scenario)
    assert (order, client_order_id) == (listed, None) or (dialect, client_order_id) == ("binance", "")
