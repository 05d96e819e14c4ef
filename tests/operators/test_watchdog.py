import pytest

from operators import watch
from tidegate.clock import Clock
from tidegate.marbles import Marbles


class Watched:
    def __init__(self):
        self.m = Marbles()
        self.heard = []

    def of(self, source, **settings):
        clock = self.m.clock
        begun_ns = clock.now_ns()

        def at_s():
            return (clock.now_ns() - begun_ns) / 1e9

        return source.pipe(
            watch(
                "candles",
                clock=clock,
                silent_after_s=4,
                alarm=lambda name, silent_s: self.heard.append((at_s(), name, silent_s)),
                alive=lambda name: self.heard.append((at_s(), name, "alive")),
            )
        )


@pytest.mark.parametrize(
    ("given", "heard"),
    [
        pytest.param("-a--b--c--", [], id="nothing while something comes"),
        pytest.param("-a---------", [(5, 4)], id="one alarm for one silence"),
        pytest.param("-----------", [(4, 4)], id="silence from the beginning"),
        pytest.param("-a------b---", [(5, 4), (8, "alive")], id="alive with the next item"),
        pytest.param("-a------b------", [(5, 4), (8, "alive"), (12, 4)], id="another silence, another alarm"),
        pytest.param("-a---b------", [(9, 4)], id="an item at the last moment is in time"),
        pytest.param("-a------bc--", [(5, 4), (8, "alive")], id="alive once"),
        pytest.param("-ab|", [(3, 1)], id="an end is an alarm"),
        pytest.param("-ab#", [(3, 1)], id="an error is an alarm"),
        pytest.param("-a------|", [(5, 4), (8, 7)], id="an end in silence is another alarm"),
    ],
)
def test_watch(given, heard):
    watched = Watched()
    watched.m.expect(watched.of(watched.m.hot(given)), given)
    assert watched.heard == [(at_s, "candles", what) for at_s, what in heard]


def test_unsubscribing_is_no_alarm_and_leaves_no_timer():
    watched = Watched()
    subscription = watched.of(watched.m.hot("-a")).subscribe()
    watched.m.run(for_s=2)
    subscription.dispose()
    assert watched.m.loop.next_due_ns() is None
    assert watched.heard == []


def test_items_cost_no_timers():
    timers = []

    class CountingClock(Clock):
        def call_at(self, at_ns, fn, *args):
            timers.append(at_ns)
            return super().call_at(at_ns, fn, *args)

    m = Marbles()
    clock = CountingClock(m.loop, epoch_ns=0)
    m.hot("a" * 100).pipe(watch("candles", clock=clock, silent_after_s=4, alarm=lambda *_: None)).subscribe()
    m.run()
    assert len(timers) < 100 / 4 + 3


def test_two_subscribers_are_watched_apart():
    watched = Watched()
    stream = watched.of(watched.m.hot("-a-------b"))
    stream.subscribe()
    watched.m.run(for_s=2)
    stream.subscribe()
    watched.m.run(for_s=6)
    assert watched.heard == [(5, "candles", 4), (6, "candles", 4)]


def test_a_silence_must_last_some_time():
    with pytest.raises(ValueError, match="silent_after_s must be above 0, was 0"):
        watch("candles", clock=Marbles().clock, silent_after_s=0, alarm=print)
