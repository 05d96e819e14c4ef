import json

import pytest

from operators import identify
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw
from tidegate.marbles import Marbles, outcome_letter, signal


def marbles():
    return Marbles(a=signal("a"), b=signal("b"), **{"?": Raw(b"{")})


@pytest.mark.parametrize(
    ("given", "then"),
    [
        pytest.param("-a--b-|", "-a--b-|", id="one verdict for each signal"),
        pytest.param("-a-?b-|", "-a-Mb-|", id="what cannot be read is refused and ends nothing"),
        pytest.param("-(ab)-|", "-(ab)-|", id="in order"),
        pytest.param("-a-#", "-a-#", id="errors pass through"),
    ],
)
def test_identify(given, then):
    m = marbles()
    m.expect(m.hot(given).pipe(identify(m.clock)), then, show=outcome_letter)


def test_a_verdict_is_stamped_with_the_clocks_time_of_its_arrival():
    m = marbles()
    seen = m.record(m.hot("-a--b|").pipe(identify(m.clock)))
    began_ns = m.clock.now_ns()
    m.run()
    assert [verdict.at_ns - began_ns for verdict in seen.values] == [1_000_000_000, 4_000_000_000]


def test_the_reply_goes_along_also_with_a_refusal():
    replies = print, repr
    m = Marbles(a=Raw(signal("a").payload, may_say_now=True, reply=replies[0]), b=Raw(b"{", reply=replies[1]))
    seen = m.record(m.hot("ab|").pipe(identify(m.clock)))
    m.run()
    assert tuple(verdict.reply for verdict in seen.values) == replies
    assert [verdict.refusal and verdict.refusal.reason for verdict in seen.values] == [None, Reason.MALFORMED]


def test_two_subscribers_read_alike():
    m = marbles()
    read = m.hot("-a-?|").pipe(identify(m.clock))
    first = m.record(read)
    m.expect(read, "-a-M|", show=outcome_letter)
    m.expect(first, "-a-M|", show=outcome_letter)


def test_a_mapping_of_the_fields_is_a_signal_like_any_other():
    said = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": "k1"}
    m = Marbles(d=said, r=Raw(json.dumps(said).encode(), may_say_now=True))
    seen = m.record(m.hot("-(dr)|").pipe(identify(m.clock)))
    m.run()
    by_dict, by_bytes = seen.values
    assert by_dict.refusal is None
    assert (by_dict.signal.id, by_dict.signal.content) == (by_bytes.signal.id, by_bytes.signal.content)


@pytest.mark.parametrize(
    "item",
    [{"strength": float("nan")}, {1: object()}, None, 7, b"x", object()],
    ids=["no number", "an object in a mapping", "nothing", "a number", "bytes", "an object"],
)
def test_what_is_no_signal_is_refused_and_ends_nothing(item):
    m = Marbles(a=signal("a"), x=item)
    m.expect(m.hot("-xa-|").pipe(identify(m.clock)), "-Ma-|", show=outcome_letter)
