"""A fold of one's own: from its image and the events behind it, whatever happens to the process or to the image."""

from collections import Counter

import msgspec
import pytest

from streams.folds import Folds
from streams.state import State
from tidegate.domain import events as e


class Placed:
    """Counts orders by symbol, and the events that it was given since the process began."""

    def __init__(self, name="placed per symbol"):
        self.name = name
        self.counts: Counter[str] = Counter()
        self.given = 0

    def fold(self, events):
        for event in events:
            self.given += 1
            if isinstance(event.body, e.Intent):
                self.counts[event.body.symbol] += 1

    def image(self):
        return msgspec.json.encode(self.counts)

    def restore(self, image):
        self.counts = Counter(msgspec.json.decode(image, type=dict[str, int]))


class Raises(Placed):
    """Raises where it is told to."""

    def __init__(self, where, name="mine"):
        super().__init__(name)
        self.where = where

    def fold(self, events):
        super().fold(events)
        if self.where == "fold" or (self.where == "intent" and any(isinstance(v.body, e.Intent) for v in events)):
            raise RuntimeError("in fold")

    def image(self):
        if self.where == "image":
            raise RuntimeError("in image")
        return super().image() if self.where != "no bytes" else {"a": 1}


def faults(it):
    return [(body.where, body.text.partition(" (")[0]) for body in it.bodies(e.Incident)]


def traded(stage, url, fold, *, start_ns=None, image_every=4096, keys="ab"):
    """A run that places orders of two symbols and is killed."""
    it = stage(url, folds=[fold], **({} if start_ns is None else {"start_ns": start_ns}))
    it.engine.parts.commits._image_every = it.engine.parts.commits._image_due_at = image_every
    it.start()
    for key in keys:
        it.send(key, symbol="BTC/USDT" if key in "ac" else "ETH/USDT")
    it.run(11)
    it.kill()
    return it


def test_a_fold_takes_in_all_events_of_the_past_and_of_the_present(stage, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    before = traded(stage, url, Placed("another"))
    fold = Placed()
    after = traded(stage, url, fold, start_ns=before.clock.now_ns(), keys="cd")
    assert fold.counts == {"BTC/USDT": 2, "ETH/USDT": 2}
    with pytest.raises(msgspec.DecodeError):
        fold.restore(b"?")
    assert after.engine.parts.state.ledger.received == 4


@pytest.mark.parametrize("image_every", [0, 3, 5])
def test_after_a_kill_it_has_its_image_and_only_the_events_behind_that(stage, tmp_path, image_every):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = traded(stage, url, Placed(), image_every=image_every)
    again = Placed()
    it = stage(url, folds=[again], start_ns=first.clock.now_ns())
    assert again.counts == {"BTC/USDT": 1, "ETH/USDT": 1}
    snapshots = it.journal.snapshots()
    assert again.given == len(list(it.journal.read(snapshots[again.name].position))) < len(list(it.journal.read()))
    assert snapshots[again.name].position == snapshots["state"].position


@pytest.mark.parametrize("keys", ["", "cd"])
def test_whatever_it_missed_while_it_was_not_there_is_behind_its_image(stage, tmp_path, keys):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = traded(stage, url, Placed(), image_every=0)
    without = traded(stage, url, Placed("another"), start_ns=first.clock.now_ns(), image_every=0, keys=keys)
    fold = Placed()
    stage(url, folds=[fold], start_ns=without.clock.now_ns())
    assert sum(fold.counts.values()) == 2 + len(keys)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\x00", id="damaged"),
        pytest.param(b'["of", "another", "fold"]', id="of another fold"),
    ],
)
@pytest.mark.parametrize("name", ["placed per symbol", "state"])
def test_an_image_that_cannot_be_read_costs_a_fold_over_all_events(stage, tmp_path, image, name):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = traded(stage, url, Placed(), image_every=0)
    it = stage(url, start_ns=first.clock.now_ns())
    it.wait(it.journal.commit([], {name: image}))
    it.kill()
    fold = Placed()
    again = stage(url, folds=[fold], start_ns=first.clock.now_ns()).start()
    assert fold.counts == {"BTC/USDT": 1, "ETH/USDT": 1}
    assert again.ledger() == {"placed": 2}
    again.run(1)
    assert faults(again) == []


def test_an_image_that_is_found_wrong_by_the_events_behind_it_is_left_aside(stage, tmp_path):
    class Strict(Placed):
        def fold(self, events):
            super().fold(events)
            if any(count > 2 for count in self.counts.values()):
                raise ValueError("more than were sent")

    url = f"sqlite:///{tmp_path}/journal.db"
    first = traded(stage, url, Strict(), image_every=0)
    it = stage(url, start_ns=first.clock.now_ns())
    it.wait(it.journal.commit([], {"placed per symbol": b'{"BTC/USDT": 9}'}))
    it.wait(it.engine.start([]))
    it.kill()
    fold = Strict()
    stage(url, folds=[fold], start_ns=it.clock.now_ns())
    assert fold.counts == {"BTC/USDT": 1, "ETH/USDT": 1}


@pytest.mark.parametrize(
    ("where", "error"),
    [
        pytest.param("fold", "RuntimeError: in fold", id="at the start"),
        pytest.param("intent", "RuntimeError: in fold", id="while it runs"),
        pytest.param("image", "RuntimeError: in image", id="in its image"),
        pytest.param("no bytes", "TypeError: its image is dict, not bytes", id="with an image of no bytes"),
    ],
)
def test_a_fold_that_raises_is_dropped_and_reported_once_and_harms_nothing(stage, tmp_path, where, error):
    url = f"sqlite:///{tmp_path}/journal.db"
    bad, good = Raises(where), Placed()
    it = stage(url, folds=[bad, good])
    it.engine.parts.commits._image_every = it.engine.parts.commits._image_due_at = 0
    it.start()
    it.send("a")
    it.run(11)
    it.send("b", symbol="ETH/USDT")
    it.run(30)
    assert it.ledger() == {"placed": 2}
    assert faults(it) == [("fold mine", error)]
    assert good.counts == {"BTC/USDT": 1, "ETH/USDT": 1}
    assert not it.engine.failed.done()
    it.kill()
    again = Placed()
    stage(url, folds=[again], start_ns=it.clock.now_ns())
    assert again.counts == good.counts


def test_two_folds_of_one_name_are_an_error(stage):
    with pytest.raises(ValueError, match="the same name: state"):
        stage(folds=[Placed("state")])
    with pytest.raises(ValueError, match="the same name: x"):
        Folds(State(), [Placed("x"), Placed("y"), Placed("x")], stage().journal)
