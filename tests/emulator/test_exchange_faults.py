"""Which fault strikes which request."""

import msgspec
import pytest

from tidegate.emulator import Fault, FaultKind, Operation, VenueRejection
from tidegate.emulator.faults import Faults

CREATE, LOOKUP = Operation.CREATE, Operation.LOOKUP


def struck(faults, requests):
    """The place of each request that is struck; a request is an operation and what it speaks of."""
    return [n for n, request in enumerate(requests, start=1) if faults.strike(*request)]


def creates(count, symbol="BTC/USDT", client_order_id="c1", account="key"):
    return [(CREATE, symbol, client_order_id, account)] * count


@pytest.mark.parametrize(
    ("fault", "places"),
    [
        pytest.param(Fault(kind=FaultKind.LOST), [1], id="the first, if nothing else is said"),
        pytest.param(Fault(kind=FaultKind.LOST, nth=3), [3], id="the third"),
        pytest.param(Fault(kind=FaultKind.LOST, nth=2, times=2), [2, 3], id="the second and the one after it"),
        pytest.param(Fault(kind=FaultKind.LOST, nth=4, times=0), [4, 5], id="from the fourth on"),
        pytest.param(Fault(kind=FaultKind.LOST, symbol="ETH/USDT"), [], id="another symbol"),
        pytest.param(Fault(kind=FaultKind.LOST, client_order_id="c1"), [1], id="that client order id"),
        pytest.param(Fault(kind=FaultKind.LOST, client_order_id="c2"), [], id="another client order id"),
        pytest.param(Fault(kind=FaultKind.LOST, account="other"), [], id="another account"),
        pytest.param(Fault(kind=FaultKind.LOST, on=LOOKUP), [], id="another operation"),
        pytest.param(Fault(kind=FaultKind.LOST, on=Operation.ANY, times=0), [1, 2, 3, 4, 5], id="whatever it is"),
        pytest.param(Fault(kind=FaultKind.LOST, probability=1.0), [1, 2, 3, 4, 5], id="certainly"),
        pytest.param(Fault(kind=FaultKind.LOST, probability=0.0), [], id="by no chance"),
    ],
)
def test_a_fault_strikes_the_requests_it_names(fault, places):
    assert struck(Faults([fault]), creates(5)) == places


def test_only_requests_that_fit_are_counted():
    faults = Faults([Fault(kind=FaultKind.LOST, nth=2)])
    lookup = (LOOKUP, "BTC/USDT", "c1", "key")
    assert struck(faults, [*creates(1), lookup, lookup, *creates(1)]) == [4]


def test_the_first_that_fits_strikes_and_the_others_count_on():
    faults = Faults(
        [Fault(kind=FaultKind.LOST, nth=1), Fault(kind=FaultKind.SILENT, nth=1), Fault(kind=FaultKind.RESET, nth=2)]
    )
    assert [faults.strike(*request).kind for request in creates(2)] == [FaultKind.LOST, FaultKind.RESET]
    assert faults.struck == {"lost": 1, "reset": 1}


def test_chances_share_one_draw():
    faults = Faults([Fault(kind=FaultKind.LOST, probability=0.5), Fault(kind=FaultKind.SILENT, probability=0.5)])
    assert struck(faults, creates(200)) == list(range(1, 201))
    assert set(faults.struck) == {"lost", "silent"}
    assert 60 < faults.struck["lost"] < 140


def test_the_same_seed_strikes_the_same_requests():
    def places(seed):
        return struck(Faults([Fault(kind=FaultKind.LOST, probability=0.3)], seed=seed), creates(100))

    assert places(1) == places(1) != places(2)


def test_nothing_goes_wrong_once_cleared_and_what_is_added_counts_from_then_on():
    faults = Faults([Fault(kind=FaultKind.LOST, times=0)])
    faults.clear()
    assert struck(faults, creates(3)) == []
    faults.add(Fault(refusal=VenueRejection.LOT_SIZE, nth=2))
    assert struck(faults, creates(3)) == [2]
    assert faults.struck == {"lot_size": 1}


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        pytest.param(Fault(kind=FaultKind.LOST), False, id="a lost request is not done"),
        pytest.param(Fault(kind=FaultKind.SILENT), True, id="a lost answer is no lost request"),
        pytest.param(Fault(kind=FaultKind.SILENT, placed=False), False, id="unless it is said"),
        pytest.param(Fault(refusal=VenueRejection.LOT_SIZE), False, id="a refused request is not done"),
        pytest.param(Fault(refusal=VenueRejection.STATUS_UNKNOWN), True, id="one that nobody knows of is"),
        pytest.param(Fault(refusal=VenueRejection.STATUS_UNKNOWN, placed=False), False, id="or is not"),
    ],
)
def test_a_fault_says_whether_the_request_is_done(fault, done):
    assert fault.is_placed is done


def test_a_script_is_json():
    script = b'[{"kind": "silent", "nth": 2}, {"refusal": "lot_size", "on": "any"}]'
    read = msgspec.json.decode(script, type=list[Fault])
    assert read == [Fault(kind=FaultKind.SILENT, nth=2), Fault(refusal=VenueRejection.LOT_SIZE, on=Operation.ANY)]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(b"{}", id="neither a kind nor a refusal"),
        pytest.param(b'{"kind": "silent", "refusal": "lot_size"}', id="both"),
        pytest.param(b'{"kind": "tired"}', id="a kind there is not"),
        pytest.param(b'{"kind": "silent", "nht": 2}', id="a misspelled field"),
    ],
)
def test_a_fault_that_cannot_be_is_noticed(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(wrong, type=Fault)
