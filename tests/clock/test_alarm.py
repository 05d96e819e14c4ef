import pytest

from tidegate.clock import Clock, VirtualLoop


@pytest.fixture
def loop():
    return VirtualLoop()


@pytest.fixture
def rung(loop):
    return []


@pytest.fixture
def alarm(loop, rung):
    return Clock.simulated(loop, 1_000).alarm(lambda: rung.append(1_000 + loop.time_ns()))


@pytest.mark.parametrize("moments", [(1_005, 1_003, 1_009), (1_003, 1_005), (1_003, 1_003)], ids=str)
def test_it_rings_once_at_the_earliest_moment_it_was_set_to(loop, alarm, rung, moments):
    for at_ns in moments:
        alarm.set(at_ns)
    assert alarm.at_ns == 1_003
    loop.run_forever()
    assert rung == [1_003]
    assert alarm.at_ns is None


def test_a_later_moment_takes_no_second_timer(loop, alarm):
    alarm.set(1_003)
    alarm.set(1_500)
    loop.run_forever()
    assert loop.time_ns() == 3


def test_it_can_be_set_again_from_within_its_ring(loop):
    rung = []

    def ring():
        rung.append(loop.time_ns())
        if len(rung) < 3:
            alarm.set(loop.time_ns() + 10)

    alarm = Clock.simulated(loop, 0).alarm(ring)
    alarm.set(10)
    loop.run_forever()
    assert rung == [10, 20, 30]


def test_a_moment_in_the_past_rings_at_once_but_not_within_the_call(loop, alarm, rung):
    loop.advance_to_ns(50)
    alarm.set(3)
    assert rung == []
    loop.run_forever()
    assert rung == [1_050]


def test_cleared_it_does_not_ring_and_can_be_set_later_than_before(loop, alarm, rung):
    alarm.clear()
    alarm.set(1_003)
    alarm.clear()
    assert alarm.at_ns is None
    alarm.set(1_009)
    loop.run_forever()
    assert rung == [1_009]
