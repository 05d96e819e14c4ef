import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators import WhenFull, admit
from operators.chunks import ChunkSubject, subscribe_chunks
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Receipt
from tidegate.marbles import Marbles


class Door:
    """Signals of which each is committed `takes_s` after it was let in, and a list of those turned away."""

    def __init__(self, takes_s=3, **replies):
        self.m = Marbles(**{letter: Raw(letter.encode(), reply=replies.get(letter)) for letter in "abcdef"})
        self.takes_s = takes_s
        self.under_way = 0
        self.most_under_way = 0
        self.turned_away = []

    def admit(self, source, **settings):
        clock = self.m.clock
        begun_ns = clock.now_ns()

        def note(raw, reason):
            self.turned_away.append((raw.payload.decode(), (clock.now_ns() - begun_ns) / 1e9, reason))

        def let_in(raw):
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            clock.call_after(self.takes_s, self.commit)
            return raw

        operator = admit(depth=lambda: self.under_way, clock=clock, turned_away=note, **settings)
        return source.pipe(operator).map(let_in)

    def commit(self):
        self.under_way -= 1

    @property
    def names(self):
        return "".join(name for name, _, _ in self.turned_away)


@pytest.mark.parametrize(
    ("capacity", "when_full", "given", "then", "turned_away"),
    [
        pytest.param(9, "turn_away", "-(abc)d-|", "-(abc)d-|", "", id="all pass while there is room"),
        pytest.param(1, "turn_away", "-ab-----|", "-a--b---|", "", id="the next one waits for room"),
        pytest.param(2, "turn_away", "-(abc)d--|", "-(ab)--(cd)|", "", id="in order"),
        pytest.param(1, "turn_away", "-abc----|", "-a--b---|", "c", id="a full queue turns the newest away"),
        pytest.param(1, "evict_oldest", "-abcd---|", "-a--d---|", "bc", id="or the longest waiting"),
        pytest.param(1, "turn_away", "-a---b--|", "-a---b--|", "", id="room that came is used at once"),
        pytest.param(2, "turn_away", "-(abc)|", "-(ab)--(c|)", "", id="completes after what waits"),
        pytest.param(2, "turn_away", "-(abc)#", "-(ab)--(c#)", "", id="errors after what waits"),
        pytest.param(2, "turn_away", "-a|", "-a|", "", id="completes at once when nothing waits"),
        pytest.param(2, "turn_away", "-a#", "-a#", "", id="errors at once when nothing waits"),
    ],
)
def test_admit(capacity, when_full, given, then, turned_away):
    intake_load = Door(takes_s=2.9995)  # room comes just before the millisecond in which it is looked for
    admitted = intake_load.admit(intake_load.m.hot(given), capacity=capacity, when_full=WhenFull(when_full))
    intake_load.m.expect(admitted, then)
    assert intake_load.names == turned_away
    assert {reason for _, _, reason in intake_load.turned_away} <= {Reason.DOOR_FULL}


@pytest.mark.parametrize(
    ("burst", "given", "then"),
    [
        pytest.param(1, "(ab)-cd-|", "a-c--|", id="one at a time"),
        pytest.param(2, "(abc)---|", "(ab)---|", id="a burst"),
        pytest.param(2, "(ab)cd--(ef)|", "(ab)-d--e|", id="tokens come back at the rate"),
    ],
)
def test_what_comes_too_fast_is_turned_away(burst, given, then):
    intake_load = Door(takes_s=0)
    intake_load.m.expect(intake_load.admit(intake_load.m.hot(given), capacity=9, max_per_s=0.5, burst=burst), then)
    assert set(intake_load.names) == {letter for letter in given if letter.isalpha()} - set(then)
    assert {reason for _, _, reason in intake_load.turned_away} == {Reason.RATE_LIMITED}


def test_room_is_used_within_a_millisecond_and_nothing_ticks_when_nothing_waits():
    intake_load = Door(takes_s=0.0105)
    seen = intake_load.m.record(intake_load.admit(intake_load.m.hot("(ab)"), capacity=1))
    intake_load.m.run()
    assert [at_ns - seen.start_ns for at_ns, _, _ in seen] == [0, 11_000_000]
    assert intake_load.m.loop.next_due_ns() is None


def test_who_is_turned_away_is_told_so():
    told = []
    intake_load = Door(b=lambda receipt: told.append(receipt))
    intake_load.m.expect(intake_load.admit(intake_load.m.hot("ab|"), capacity=9, max_per_s=0.5), "a-|")
    assert told == [Receipt(None, Reason.RATE_LIMITED)]


def test_a_reply_that_raises_ends_nothing_and_is_reported():
    def hang_up(_receipt):
        raise ConnectionError("gone")

    intake_load = Door(takes_s=2.9995, b=hang_up)
    seen = intake_load.m.record(
        intake_load.admit(intake_load.m.hot("abc-|"), capacity=1, when_full=WhenFull.EVICT_OLDEST)
    )
    with pytest.raises(AssertionError, match="gone"):
        intake_load.m.run()
    intake_load.m.loop.unhandled.clear()
    intake_load.m.expect(seen, "a--c|")


def test_whoever_waits_when_it_is_unsubscribed_is_turned_away():
    intake_load = Door(takes_s=60)
    source = intake_load.m.hot("(abc)")
    subscription = intake_load.admit(source, capacity=2).subscribe()
    intake_load.m.loop.advance(2)
    subscription.dispose()
    assert intake_load.turned_away == [("c", 2, Reason.STOPPING)]
    assert source.subscriptions == [(0, 2)]
    intake_load.commit()
    assert intake_load.m.loop.next_due_ns() == 60 * 10**9  # the commits, and no other look at what waits


def test_two_subscribers_have_queues_and_tokens_of_their_own():
    intake_load = Door(takes_s=0)
    admitted = intake_load.admit(intake_load.m.hot("ab-"), capacity=9, max_per_s=0.5)
    first = intake_load.m.record(admitted)
    intake_load.m.expect(admitted, "a--")
    intake_load.m.expect(first, "a--")
    assert intake_load.names == "bb"


def chunks_of(intake_load, source, **settings):
    """The chunks that come out, as words; each signal in them is under way until `commit` is called for it."""
    chunks: list[str] = []

    def take(chunk):
        intake_load.under_way += len(chunk)
        chunks.append(b"".join(raw.payload for raw in chunk).decode())

    clock = intake_load.m.clock

    def note(raw, reason):
        intake_load.turned_away.append((raw.payload.decode(), 0, reason))

    operator = admit(depth=lambda: intake_load.under_way, clock=clock, turned_away=note, **settings)
    return chunks, subscribe_chunks(source.pipe(operator), take, lambda _: None, lambda: chunks.append("|"))


def raws(letters):
    return [Raw(letter.encode()) for letter in letters]


def test_a_chunk_passes_whole_where_there_is_room_and_is_cut_where_there_is_not():
    door, source = Door(), ChunkSubject[Raw]()
    chunks, _ = chunks_of(door, source, capacity=4)
    source.on_chunk(raws("abc"))
    source.on_chunk(raws("defghijk"))
    assert (chunks, door.names) == (["abc", "d"], "ijk")
    door.under_way = 1
    door.m.loop.advance(0.001)
    assert chunks == ["abc", "d", "efg"]
    door.under_way = 0
    door.m.loop.advance(0.001)
    assert chunks == ["abc", "d", "efg", "h"]


def test_of_a_chunk_that_comes_too_fast_the_first_pass():
    door, source = Door(), ChunkSubject[Raw]()
    chunks, _ = chunks_of(door, source, capacity=9, max_per_s=1, burst=2)
    source.on_chunk(raws("abcd"))
    assert (chunks, door.names) == (["ab"], "cd")


def test_what_is_left_of_a_chunk_when_it_is_unsubscribed_is_turned_away():
    door, source = Door(), ChunkSubject[Raw]()
    turned_away, taken = [], []

    def take(chunk):
        taken.append(len(chunk))
        door.under_way += len(chunk)
        subscription.dispose()

    operator = admit(
        capacity=2,
        depth=lambda: door.under_way,
        clock=door.m.clock,
        turned_away=lambda raw, reason: turned_away.append((raw.payload, reason)),
    )
    subscription = subscribe_chunks(source.pipe(operator), take, lambda _: None, lambda: None)
    source.on_chunk(raws("abc"))
    assert (taken, turned_away) == ([2], [(b"c", Reason.STOPPING)])
    assert door.m.loop.next_due_ns() is None


@given(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abcdef")), max_size=40),
    st.integers(1, 4),
    st.sampled_from(WhenFull),
)
def test_everyone_is_either_let_in_or_turned_away_and_never_too_many_are_under_way(arrivals, capacity, when_full):
    intake_load = Door(takes_s=3)
    diagram = "".join("-" * pause + letter for pause, letter in arrivals) + "|"
    seen = intake_load.m.record(intake_load.admit(intake_load.m.hot(diagram), capacity=capacity, when_full=when_full))
    intake_load.m.run()
    let_in = [raw.payload.decode() for raw in seen.values]
    assert sorted([*let_in, *intake_load.names]) == sorted(letter for _, letter in arrivals)
    assert intake_load.most_under_way <= capacity
    assert seen[-1].kind == "completed"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"capacity": 0}, "capacity must be at least 1, was 0"),
        ({"capacity": 1, "burst": 0}, "burst must be at least 1, was 0"),
        ({"capacity": 1, "max_per_s": 0}, "max_per_s must be above 0, was 0"),
    ],
)
def test_settings_that_make_no_sense_are_not_taken(settings, says):
    intake_load = Door()
    with pytest.raises(ValueError, match=says):
        intake_load.admit(intake_load.m.hot("|"), **settings)
