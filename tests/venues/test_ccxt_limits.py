"""What venues say of their limits, in their own words."""

import pytest

from tidegate.venues.ccxt.limits import LimitKind, ReportedLimit, read_away, read_limits

NOW_MS = 1_700_000_000_000
BESIDE_MARKETS = (
    '{"timezone":"UTC","serverTime":1565246363776,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE",'
    '"intervalNum":1,"limit":6000},{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":100},'
    '{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":200000},{"rateLimitType":"RAW_REQUESTS",'
    '"interval":"MINUTE","intervalNum":5,"limit":61000}],"exchangeFilters":[],"symbols":[]}'
)


@pytest.mark.parametrize(
    ("headers", "text", "counted"),
    [
        pytest.param(
            {"x-mbx-used-weight": "26", "X-MBX-USED-WEIGHT-1M": "26", "x-mbx-order-count-10s": "4"},
            "[]",
            [
                ReportedLimit(kind=LimitKind.WEIGHT, window_s=60, used=26),
                ReportedLimit(kind=LimitKind.ORDERS, window_s=10, used=4),
            ],
            id="binance: with each answer",
        ),
        pytest.param(
            {},
            BESIDE_MARKETS,
            [
                ReportedLimit(kind=LimitKind.WEIGHT, window_s=60, limit=6000),
                ReportedLimit(kind=LimitKind.ORDERS, window_s=10, limit=100),
                ReportedLimit(kind=LimitKind.ORDERS, window_s=86_400, limit=200_000),
            ],
            id="binance: beside the markets",
        ),
        pytest.param(
            {},
            '{"code":-1015,"msg":"Too many new orders; current limit is 5 orders per 10 SECOND."}',
            [ReportedLimit(kind=LimitKind.ORDERS, window_s=10, used=5, limit=5)],
            id="binance: in words",
        ),
        pytest.param(
            {"X-Bapi-Limit": "20", "X-Bapi-Limit-Status": "3", "X-Bapi-Limit-Reset-Timestamp": f"{NOW_MS}"},
            "{}",
            [ReportedLimit(kind=LimitKind.ENDPOINT, window_s=1, used=17, limit=20, resets_ms=NOW_MS)],
            id="bybit",
        ),
        pytest.param({"X-Bapi-Limit": "many", "X-Bapi-Limit-Status": ""}, "x-mbx-used-weight-1m", [], id="nonsense"),
    ],
)
def test_what_an_answer_says_of_limits_is_read(headers, text, counted):
    assert list(read_limits(headers, text)) == counted


@pytest.mark.parametrize(
    ("headers", "text", "away"),
    [
        pytest.param({"Retry-After": "7"}, "", (7, False), id="for so long"),
        pytest.param({"retry-after": "7"}, f"IP banned until {NOW_MS + 90_000}.", (90, True), id="a ban"),
        pytest.param({}, "403, access too frequent", (600, True), id="bybit's ban, which tells no end"),
        pytest.param({}, "<html>", (None, False), id="it does not say"),
    ],
)
def test_for_how_long_we_are_sent_away_is_read(headers, text, away):
    assert read_away(headers, text, NOW_MS) == away
