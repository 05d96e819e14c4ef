from tidegate.domain.reading import read_signal
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Side
from tidegate.marbles import signal

NOW_NS = 1_735_689_600_000_000_000


def test_a_sample_is_read_as_a_sound_signal_made_now():
    read, refusal = read_signal(signal("a"), NOW_NS)
    assert refusal is None
    assert (read.key, read.symbol, read.side, read.strength) == ("a", "A/USDT", Side.BUY, 0.8)
    assert read.timestamp_ns == NOW_NS


def test_samples_of_different_names_are_about_different_symbols():
    assert read_signal(signal("a"), NOW_NS)[0].symbol != read_signal(signal("b"), NOW_NS)[0].symbol


def test_fields_replace_what_a_sample_says():
    read, _ = read_signal(signal("a", strength=0.2, symbol="BTC/USDT", source="me"), NOW_NS)
    assert (read.strength, read.symbol, read.source) == (0.2, "BTC/USDT", "me")


def test_none_leaves_a_field_out():
    assert b"side" not in signal("a", side=None).payload
    assert read_signal(signal("a", key=None, timestamp=NOW_NS // 10**6), NOW_NS)[0].key is None
    _, refusal = read_signal(signal("a", strength=None), NOW_NS)
    assert refusal is not None
    assert refusal.reason is Reason.MALFORMED
