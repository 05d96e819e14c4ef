"""Ids and hashes are what they always were: literal answers, so that no change of both sides goes unnoticed."""

import json
from decimal import Decimal

import pytest

from tidegate.domain.identity import client_order_id, conflicting_id, hash_of_content, installation_tag, keyed_id
from tidegate.domain.reading import read_signal
from tidegate.domain.signal import Raw
from tidegate.torture import identities

SAID = {
    "symbol": "BTC/USDT",
    "side": "buy",
    "strength": 0.75,
    "timestamp": 1735689600123,
    "source": "desk",
    "price": "101.5",
    "quantity": "0.25",
    "order_type": "limit",
    "ttl_s": 60,
    "trader": "paper",
    "confidence": 0.5,
    "tags": ["a", "b"],
}


def test_ids_are_known():
    assert hash_of_content(b"canonical").hex() == "6d68257d6c23ab7cf345"
    assert keyed_id("desk", "k1") == identities.keyed_id("desk", "k1") == "9c2d4f3f501170bdef88"
    assert conflicting_id("00" * 10, b"content") == "9f99389248995cb3588f"
    assert installation_tag("throughline") == "0e73"
    assert client_order_id("0e73", "paper", "00" * 10, 1) == "0e732ef0f436b34391"
    assert identities.order_id("throughline", "paper", "00" * 10, 1) == "0e732ef0f436b34391"


def test_the_id_of_an_order_follows_from_account_signal_attempt_and_installation():
    one = ("throughline", "paper", "00" * 10, 1)
    others = [("mine", *one[1:]), (one[0], "twin", *one[2:]), (*one[:2], "11" * 10, 1), (*one[:3], 2)]
    ids = {
        client_order_id(installation_tag(name), account, signal, attempt)
        for name, account, signal, attempt in [one, *others]
    }
    assert len(ids) == 5


def test_the_hash_of_what_a_signal_says_is_known():
    signal, refusal = read_signal(Raw(json.dumps(SAID).encode()), 0)
    assert (refusal, signal.content.hex(), signal.id) == (None, "9236c75142507ce493bf", "9236c75142507ce493bf")


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("symbol", "ETH/USDT"),
        ("side", "sell"),
        ("strength", 0.76),
        ("timestamp", 1735689600124),
        ("source", "other"),
        ("price", "101.6"),
        ("quantity", "0.26"),
        ("order_type", "market"),
        ("ttl_s", 61),
        ("trader", "twin"),
        ("confidence", 0.6),
        ("tags", ["a"]),
    ],
)
def test_whatever_a_signal_says_is_in_its_hash(field, other):
    one, two = (read_signal(Raw(json.dumps(said).encode()), 0)[0] for said in (SAID, {**SAID, field: other}))
    without = {name: value for name, value in SAID.items() if name != field}
    assert one.content != two.content
    if field not in ("symbol", "side", "strength", "timestamp"):
        assert read_signal(Raw(json.dumps(without).encode()), 0)[0].content not in (one.content, two.content)


def test_what_is_said_is_read_by_value_and_in_any_order():
    one = b'{"symbol":"A/B","price":"100.0","strength":1,"quantity":0.5}'
    two = b'{"strength":1.0,"quantity":"0.50","symbol":"A/B","price":1e2}'
    assert identities.said_in(one) == identities.said_in(two)
    assert identities.said_in(one)["price"] == Decimal(100)
    assert identities.said_in(one) != identities.said_in(one.replace(b"0.5", b"0.51"))
