"""Reading answers: what is never sent, how long to wait, what is not made up."""

from decimal import Decimal

import pytest

from tidegate.domain.order import OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.venues.ccxt.answers import OrderTaken, Reading, read_failure, read_reply, says_not_found
from tidegate.venues.ccxt.meaning import Meaning
from tidegate.venues.ccxt.quirks import GENERIC, quirks_of

BINANCE, OKX = quirks_of("binance"), quirks_of("okx")
NOW_MS = 1_700_000_000_000


def ccxt_error(name, text="", cause=None, module="ccxt.base.errors"):
    error = type(name, (Exception,), {"__module__": module})(text)
    error.__cause__ = cause
    return error


def read(error, quirks=BINANCE, **how):
    return read_failure(error, quirks, **{"sent": True, "headers": {}, "now_ms": NOW_MS, **how})


@pytest.mark.parametrize("error", [ccxt_error("InvalidOrder"), ccxt_error("RequestTimeout"), RuntimeError("bug")])
def test_whatever_was_raised_before_a_request_was_begun_was_never_sent(error):
    assert read(error, sent=False).meaning is Meaning.NEVER_SENT


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(KeyError("id"), id="our own mistake"),
        pytest.param(ccxt_error("OrderNotFound", '{"code":-2011,"msg":"no"}'), id="a subclass of a rejection"),
        pytest.param(ccxt_error("ExchangeError", '{"code":-1234,"msg":"no"}'), id="an unlisted class with a code"),
        pytest.param(ccxt_error("InvalidOrder", "no"), id="a rejection without a code"),
        pytest.param(ccxt_error("InvalidOrder", '{"code":0}'), id="a rejection with the code of a success"),
        pytest.param(ccxt_error("InvalidOrder", '{"code":-1,"msg":"no"}', module="mine"), id="a namesake of a class"),
        pytest.param(ccxt_error("DDoSProtection", '{"code":-5,"msg":"no"}'), id="protection without a code of limits"),
        pytest.param(ccxt_error("ExchangeNotAvailable", cause=OSError(104, "reset")), id="another cause"),
        pytest.param(ccxt_error("InvalidOrder", "[" * 100_000), id="a body too deep to read"),
    ],
)
def test_unknown_is_the_default(error):
    reading = read(error)
    assert (reading.meaning, reading.reason) == (Meaning.UNKNOWN, Reason.NO_ANSWER)


def test_a_rejection_does_not_hold_on_a_server_error():
    error, body = ccxt_error("BadSymbol"), '{"code":-1121,"msg":"Invalid symbol."}'
    assert read(error, status=400, body=body).meaning is Meaning.REJECTED
    assert read(error, status=500, body=body).meaning is Meaning.UNKNOWN


def test_a_status_means_something_only_without_a_code():
    assert read(ccxt_error("ExchangeNotAvailable"), status=403).meaning is Meaning.REJECTED_FOR_NOW
    body = '{"code":-1022,"msg":"Signature for this request is not valid."}'
    assert read(ccxt_error("AuthenticationError"), status=403, body=body).meaning is Meaning.REJECTED


def test_the_venue_s_words_are_stronger_than_its_code():
    assert (
        read(ccxt_error("InvalidNonce"), body='{"code":-1021,"msg":"Duplicate order sent."}').meaning is Meaning.EXISTS
    )


def test_the_body_is_stronger_than_the_text():
    error = ccxt_error("InvalidOrder", "binance Duplicate order sent.")
    assert read(error).meaning is Meaning.EXISTS
    assert read(error, body='{"code":-1000,"msg":"no"}').meaning is Meaning.UNKNOWN


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        pytest.param({"Retry-After": "7"}, 7, id="seconds"),
        pytest.param({"retry-after": "0.5"}, 0.5, id="parts of a second, in lower case"),
        pytest.param({"Retry-After": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60, id="a date"),
        pytest.param({"Retry-After": "Tue, 14 Nov 2023 22:00:00 GMT"}, 0, id="a date that has passed"),
        pytest.param({"Retry-After": "-3"}, 0, id="less than nothing"),
        pytest.param({"Retry-After": "nan"}, None, id="not a number"),
        pytest.param({"Retry-After": "soon"}, None, id="neither"),
        pytest.param({}, None, id="none"),
    ],
)
def test_how_long_the_venue_wants_to_be_left_alone(headers, after_s):
    reading = read(ccxt_error("DDoSProtection"), status=429, headers=headers)
    assert (reading.meaning, reading.retry_after_s, reading.address_wide) == (
        Meaning.REJECTED_FOR_NOW,
        after_s,
        True,
    )


@pytest.mark.parametrize("status", [418, 429])
def test_a_ban_is_for_the_address_and_until_a_moment(status):
    body = f'{{"code":-1003,"msg":"Way too much request weight used; IP banned until {NOW_MS + 90_000}."}}'
    reading = read(ccxt_error("DDoSProtection"), status=status, body=body, headers={"Retry-After": "5"})
    assert (reading.reason, reading.banned_until_ms) == (Reason.BANNED, NOW_MS + 90_000)
    assert (reading.retry_after_s, reading.address_wide, reading.code) == (90, True, "-1003")


def test_a_limit_of_orders_is_the_account_s_own():
    reading = read(ccxt_error("RateLimitExceeded"), body='{"code":-1015,"msg":"Too many new orders."}')
    assert (reading.meaning, reading.address_wide) == (Meaning.REJECTED_FOR_NOW, False)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (ccxt_error("InsufficientFunds", 'foo {"error":{"code":"E7","message":"no"}}'), Meaning.REJECTED),
        (ccxt_error("InsufficientFunds", "no"), Meaning.UNKNOWN),
        (ccxt_error("OnMaintenance", "no"), Meaning.REJECTED_FOR_NOW),
    ],
)
def test_a_venue_that_is_not_listed_is_read_with_care(error, meaning):
    assert quirks_of("bitstamp") is GENERIC
    assert read(error, GENERIC).meaning is meaning


def test_the_detail_is_the_venue_s_words_without_secrets():
    error = ccxt_error("RequestTimeout", "binance POST https://api.binance.com/api/v3/order?a=1&signature=abc")
    assert read(error).detail == "RequestTimeout: binance POST https://api.binance.com/api/v3/order?***"
    assert "hush" not in read(ccxt_error("ExchangeError"), body='{"msg":"origin hush"}', secrets=["hush"]).detail


@pytest.mark.parametrize(
    ("order", "taken"),
    [
        pytest.param({"id": "7", "status": None, "filled": None}, (OrderStatus.OPEN, None), id="nothing more is told"),
        pytest.param({"id": 7, "status": "closed", "filled": 0.3, "amount": 0.3}, ("closed", "0.3"), id="filled"),
        pytest.param({"id": 7, "status": "closed", "filled": 0.1, "amount": 0.3}, ("canceled", "0.1"), id="cut"),
        pytest.param({"id": "7", "status": "canceling", "filled": 0.0}, ("open", "0.0"), id="a status of its own"),
    ],
)
def test_what_a_reply_does_not_tell_is_not_made_up(order, taken):
    status, filled = taken
    wanted = OrderTaken(venue_order_id="7", status=OrderStatus(status), filled=filled and Decimal(filled))
    assert read_reply(order, BINANCE) == wanted


@pytest.mark.parametrize("order", [None, {}, {"id": None}, {"id": "", "status": "open", "info": {}}])
def test_a_reply_without_the_venue_s_id_is_unknown(order):
    reading = read_reply(order, BINANCE)
    assert isinstance(reading, Reading)
    assert reading.meaning is Meaning.UNKNOWN


@pytest.mark.parametrize(
    ("code", "meaning"), [("51016", Meaning.EXISTS), ("51008", Meaning.REJECTED), ("59999", Meaning.UNKNOWN)]
)
def test_an_item_of_a_partial_success_is_read_by_its_own_code(code, meaning):
    reading = read_reply({"id": None, "info": {"sCode": code, "sMsg": "no", "ordId": ""}}, OKX)
    assert (reading.meaning, reading.code) == (meaning, code)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ccxt_error("OrderNotFound", 'binance {"code":-2013,"msg":"Order does not exist."}'), True),
        (ccxt_error("OrderNotFound", "binance did not find it"), False),
        (ccxt_error("ExchangeNotAvailable", 'binance {"code":-2013,"msg":"Order does not exist."}'), False),
    ],
)
def test_only_the_venue_s_own_code_says_that_there_is_no_such_order(error, says):
    assert says_not_found(error, BINANCE) is says
