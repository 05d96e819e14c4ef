"""Group commit: what is told to whom, and when, also when the journal fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from reactivex import Subject

from operators import identify
from operators.group_commit import GroupCommit
from operators.record import Entered, record
from tests.builders import order
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain.errors import JournalUnavailable
from tidegate.domain.events import Accepted, Expired, Intent, Redelivered, Refused, Resumed, Superseded, Unknown
from tidegate.domain.events import Recorded as Event
from tidegate.domain.lifecycle import Outcome, advance
from tidegate.domain.ports import Committed, Conflict, Item, ItemRefused, NewSignal
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Raw, Receipt, Signal
from tidegate.domain.verdict import Refusal, Score, Verdict


class Tape:
    """A journal in memory that answers after `takes_s`, and fails as often as it is told to."""

    def __init__(self, loop: VirtualLoop, takes_s: float = 1.0) -> None:
        self.loop, self.takes_s, self.fails = loop, takes_s, 0
        self.begun = 0
        self.fails_at = 0
        self.groups: list[list[Item]] = []
        self.images: list[Mapping[str, bytes]] = []
        self.known: dict[str, tuple[int, bytes]] = {}
        self.position = 0
        self.poison = ""

    def head(self) -> int:
        return self.position

    async def commit(self, items: Sequence[Item], snapshots: Mapping[str, bytes]) -> list[object]:
        self.begun += 1
        failing = self.begun == self.fails_at
        written = self.loop.create_future()
        self.loop.call_later(self.takes_s, written.set_result, None)
        await written
        if self.fails or failing:
            self.fails = max(self.fails - 1, 0)
            raise JournalUnavailable("disk full")
        self.groups.append(list(items))
        self.images.append(snapshots)
        return [self._one(item) for item in items]

    def _one(self, item: Item) -> Committed | Conflict | ItemRefused:
        if item.new is not None:
            if item.new.id == self.poison:
                return ItemRefused("poison")
            if item.new.id in self.known:
                number, content = self.known[item.new.id]
                return Conflict(number, content == item.new.content)
            self.known[item.new.id] = (self.position + 1, item.new.content)
        self.position += len(item.bodies)
        number = self.position if item.new else item.number
        return Committed(tuple(Event(self.position, number, "", item.at_ns, body) for body in item.bodies))


@pytest.fixture
def loop() -> VirtualLoop:
    return VirtualLoop()


@pytest.fixture
def tape(loop) -> Tape:
    return Tape(loop)


@pytest.fixture
def clock(loop) -> Clock:
    return Clock.simulated(loop, 0)


def commits_to(tape: Tape, clock: Clock, **given) -> GroupCommit:
    of_nothing = {"images": lambda: {"state": b"image"}, "outcome_of": lambda _: None, "group_max": 100}
    return GroupCommit(tape, clock=clock, **{**of_nothing, **given})


def item(number: int = 0) -> Item:
    return Item(0, (Redelivered(),) if number else (Resumed(),), number=number)


def test_what_arrives_during_a_commit_goes_into_the_next(loop, tape, clock):
    commits = commits_to(tape, clock)
    for when, number in ((0.0, 1), (0.1, 2), (0.5, 3), (1.5, 4)):
        loop.call_later(when, commits.submit, item(number))
    loop.run_forever()
    assert [[i.number for i in group] for group in tape.groups] == [[1], [2, 3], [4]]


def test_a_group_has_at_most_group_max_items(loop, tape, clock):
    commits = commits_to(tape, clock, group_max=2)
    for number in range(5):
        commits.submit(item(number))
    assert commits.depth() == 5
    loop.run_forever()
    assert [len(group) for group in tape.groups] == [2, 2, 1]
    assert commits.depth() == 0


def test_committed_events_are_out_before_anybody_is_told(loop, tape, clock):
    commits = commits_to(tape, clock)
    order: list[str] = []
    commits.committed.subscribe(lambda events: order.append(f"{len(events)} events"))
    commits.submit(item(), lambda abouts, _: order.extend(abouts), "told")
    loop.run_forever()
    assert order == ["1 events", "told"]


def test_neighbours_with_one_listener_are_told_in_one_call(loop, tape, clock):
    commits = commits_to(tape, clock)
    calls: list[tuple[str, list[str], list[int]]] = []

    def hears(name: str):
        return lambda abouts, answers: calls.append((name, abouts, [answer.events[0].position for answer in answers]))

    one, other = hears("one"), hears("other")
    for about, told in (("a", one), ("b", one), ("c", other), ("d", None), ("e", one)):
        commits.submit(item(), told, about)
    loop.run_forever()
    assert calls == [("one", ["a", "b"], [1, 2]), ("other", ["c"], [3]), ("one", ["e"], [5])]


@pytest.mark.parametrize(("waiting", "begun_first"), [(63, False), (64, True)])
def test_where_much_waits_the_next_commit_begins_before_the_last_is_told(loop, tape, clock, waiting, begun_first):
    commits = commits_to(tape, clock)
    begun: list[int] = []
    commits.submit(item(), lambda *_: begun.append(tape.begun))
    loop.advance(0.5)
    for _ in range(waiting):
        commits.submit(item())
    loop.run_forever()
    assert begun == [2 if begun_first else 1]
    assert [len(group) for group in tape.groups] == [1, waiting]


def test_a_commit_that_began_early_and_fails_is_tried_again_in_order(loop, tape, clock):
    commits = commits_to(tape, clock)
    commits.submit(item(1), must=True)
    loop.advance(0.5)
    for number in range(2, 100):
        commits.submit(item(number), must=True)
    tape.fails_at = 2
    loop.run_forever()
    assert [i.number for group in tape.groups for i in group] == list(range(1, 100))
    assert commits.depth() == 0


def test_a_large_image_is_written_more_rarely(loop, tape, clock):
    commits = commits_to(tape, clock, image_every=3, images=lambda: {"state": bytes(6 * 64)})
    for when in range(14):
        loop.call_later(when * 2.0, commits.submit, item())
    loop.run_forever()
    assert [at for at, images in enumerate(tape.images) if images] == [3, 9]


def test_a_failed_commit_is_told_and_what_must_be_recorded_is_tried_until_it_is(loop, tape, clock):
    commits = commits_to(tape, clock)
    told: list[tuple[str, type]] = []
    tape.fails = 3

    def hear(abouts, answers) -> None:
        told.extend((about, type(answer)) for about, answer in zip(abouts, answers, strict=True))

    commits.submit(item(1), hear, "may", must=False)
    commits.submit(item(2), hear, "must", must=True)
    loop.advance(2)
    assert told == [("may", JournalUnavailable)]
    assert isinstance(commits.failing, JournalUnavailable)
    loop.run_forever()
    assert told == [("may", JournalUnavailable), ("must", Committed)]
    assert commits.failing is None
    assert [[i.number for i in group] for group in tape.groups] == [[2]]


def test_the_order_of_what_must_be_recorded_survives_failures(loop, tape, clock):
    commits = commits_to(tape, clock, group_max=2)
    tape.fails = 2
    for number in range(1, 6):
        commits.submit(item(number), must=True)
    loop.run_forever()
    assert [i.number for group in tape.groups for i in group] == [1, 2, 3, 4, 5]


def test_an_image_of_the_state_is_written_every_so_many_events(loop, tape, clock):
    commits = commits_to(tape, clock, image_every=3)
    for when in range(8):
        loop.call_later(when * 2.0, commits.submit, item())
    loop.run_forever()
    assert [bool(images) for images in tape.images] == [False, False, False, True, False, False, True, False]


def test_an_image_goes_along_with_the_next_commit_where_it_is_asked_for(loop, tape, clock):
    commits = commits_to(tape, clock)
    commits.submit(item())
    loop.run_forever()
    commits.take_image()
    commits.submit(item())
    loop.run_forever()
    assert [bool(images) for images in tape.images] == [False, True]


def test_recording_that_somebody_cancels_fails_loudly(loop, tape, clock):
    commits = commits_to(tape, clock)
    failed: list[Exception] = []
    commits.committed.subscribe(on_error=failed.append)
    commits.submit(item(), must=True)
    loop.advance(0.5)
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_forever()
    assert [str(error) for error in failed] == ["recording was cancelled"]


def test_when_idle_waits_for_everything_that_is_submitted(loop, tape, clock):
    commits = commits_to(tape, clock)
    seen: list[float] = []
    commits.when_idle(lambda: seen.append(loop.time()))
    commits.submit(item())
    commits.when_idle(lambda: seen.append(loop.time()))
    loop.run_forever()
    assert seen == [0.0, 1.0]


def test_what_is_submitted_in_the_very_turn_a_run_ends_is_committed_too(loop, clock):
    for turns in range(6):
        tape = Tape(loop, takes_s=0)
        commits = commits_to(tape, clock)

        def submit_later(turns: int, commits: GroupCommit = commits) -> None:
            commits.submit(item(2)) if not turns else loop.call_soon(submit_later, turns - 1)

        commits.submit(item(1), lambda abouts, _: submit_later(abouts[0]), turns)
        loop.run_forever()
        assert [i.number for group in tape.groups for i in group] == [1, 2]


def test_an_error_of_a_subscriber_ends_the_stream_and_nothing_more_is_committed(loop, tape, clock):
    commits = commits_to(tape, clock)
    errors: list[Exception] = []
    commits.committed.subscribe(lambda _: 1 / 0, errors.append)
    commits.submit(item())
    loop.run_forever()
    commits.submit(item())
    loop.run_forever()
    assert [type(error) for error in errors] == [ZeroDivisionError]
    assert len(tape.groups) == 1


def verdict(name: str, content: bytes = b"said", reply=None) -> Verdict:
    return Verdict(Signal(id=name.encode().hex() * 10, content=content, raw=b"{}"), 0, Score(0.5), None, reply)


def recorded(loop, tape, clock, source) -> tuple[list[Entered], list[Reason]]:
    turned_away: list[Reason] = []
    seen: list[Entered] = []

    def item_of(verdict: Verdict) -> Item:
        signal, refusal = verdict.signal, verdict.refusal
        body = Refused(reason=refusal.reason) if refusal else Accepted(score=0.5, parts=(), expires_at_ns=0)
        return Item(0, (body,), new=NewSignal(signal.id, signal.content, signal.raw))

    stage = record(commits_to(tape, clock), item_of=item_of, turned_away=lambda _, reason: turned_away.append(reason))
    source.pipe(stage).subscribe(seen.extend, on_completed=lambda: seen.append("completed"))
    return seen, turned_away


def test_a_verdict_goes_on_once_it_is_committed_and_completion_waits_for_the_last(loop, tape, clock):
    source: Subject[Verdict] = Subject()
    seen, _ = recorded(loop, tape, clock, source)
    source.on_next(verdict("a"))
    source.on_completed()
    loop.advance(0.9)
    assert seen == []
    loop.advance(0.2)
    assert seen == [Entered(verdict("a"), 1, first=Accepted(score=0.5, parts=(), expires_at_ns=0)), "completed"]


def test_a_redelivery_is_told_its_number_and_a_conflict_gets_a_line_of_its_own(loop, tape, clock):
    source: Subject[Verdict] = Subject()
    seen, _ = recorded(loop, tape, clock, source)
    receipts: list[Receipt] = []
    for content in (b"said", b"said", b"other", b"other"):
        source.on_next(verdict("a", content, receipts.append))
    loop.run_forever()
    first, again, conflict, conflict_again = sorted(seen, key=lambda entered: (entered.number, entered.known))
    assert (first.number, again.number, again.known) == (1, 1, True)
    assert conflict.verdict.refusal == Refusal(
        Reason.CONFLICT, b"other".hex(), f"as first sent: {first.verdict.signal.id}"
    )
    assert conflict.number == conflict_again.number
    assert (conflict.known, conflict_again.known) == (False, True)
    assert len({receipt.signal_id for receipt in receipts}) == 2
    assert None not in {receipt.signal_id for receipt in receipts}


def test_what_cannot_be_committed_is_turned_away_and_its_sender_told(loop, tape, clock):
    source: Subject[Verdict] = Subject()
    seen, turned_away = recorded(loop, tape, clock, source)
    receipts: list[Receipt] = []
    tape.fails = 1
    source.on_next(verdict("a", reply=receipts.append))
    loop.run_forever()
    assert (seen, turned_away) == ([], [Reason.JOURNAL_UNAVAILABLE])
    assert receipts == [Receipt(None, Reason.JOURNAL_UNAVAILABLE)]


def test_a_reply_that_raises_is_reported_and_harms_nobody(loop, tape, clock):
    source: Subject[Verdict] = Subject()
    seen, _ = recorded(loop, tape, clock, source)
    source.on_next(verdict("a", reply=lambda _: 1 / 0))
    source.on_next(verdict("b"))
    loop.run_forever()
    assert len(seen) == 2
    assert [type(report["exception"]) for report in loop.unhandled] == [ZeroDivisionError]


def test_two_subscribers_are_counted_each_for_itself(loop, tape, clock):
    source: Subject[Verdict] = Subject()
    stage = record(
        commits_to(tape, clock),
        item_of=lambda v: Item(0, (Resumed(),), new=NewSignal(v.signal.id, b"", b"")),
        turned_away=lambda *_: None,
    )
    both = source.pipe(stage)
    ends: list[int] = []
    both.subscribe(on_completed=lambda: ends.append(1))
    both.subscribe(on_completed=lambda: ends.append(2))
    source.on_next(verdict("a"))
    source.on_completed()
    loop.run_forever()
    assert ends == [1, 2]


def test_errors_pass_through(loop, tape, clock):
    source: Subject[Raw] = Subject()
    errors: list[Exception] = []
    stage = record(commits_to(tape, clock), item_of=lambda _: item(), turned_away=lambda *_: None)
    source.pipe(identify(clock), stage).subscribe(on_error=errors.append)
    source.on_error(ValueError("broken"))
    assert [str(error) for error in errors] == ["broken"]


# What is refused


def test_what_cannot_follow_what_is_queued_is_told_and_not_written(loop, tape, clock):
    outcomes = {7: Outcome.WAITING, 8: Outcome.WAITING}
    commits, told, refused = commits_to(tape, clock, outcome_of=outcomes.get), [], []
    commits.refused.subscribe(refused.append)

    def submit(number, body):
        commits.submit(Item(0, (body,), number, "ab"), lambda abouts, answers: told.extend(answers), body, must=True)

    expired, superseded = Expired(reason=Reason.HALTED), Superseded(by="x")
    submit(7, expired)
    submit(7, superseded)
    submit(8, superseded)
    assert (commits.outcome(7), commits.outcome(8), commits.outcome(9)) == (Outcome.EXPIRED, Outcome.SUPERSEDED, None)
    loop.run_forever()
    assert [[i.bodies for i in group] for group in tape.groups] == [[(expired,), (superseded,)]]
    assert [type(answer) for answer in told] == [Committed, ItemRefused, Committed]
    assert told[1].why == "superseded cannot follow expired"
    assert [(i.number, why) for i, why in refused] == [(7, told[1].why)]
    assert commits.depth() == 0
    assert commits.outcome(7) is Outcome.WAITING  # as whoever folds the commits says, who is not there


def test_what_follows_an_item_that_was_given_up_cannot_follow_any_more(loop, tape, clock):
    tape.fails = 1
    commits, told = commits_to(tape, clock, outcome_of={7: Outcome.WAITING}.get), []

    def hear(abouts, answers):
        told.extend(zip(abouts, answers, strict=True))

    commits.submit(Item(0, (intent(),), 7, "ab"), hear, "intent")
    commits.submit(Item(0, (Unknown(client_order_id="c", detail="?"),), 7, "ab"), hear, "unknown", must=True)
    assert commits.outcome(7) is Outcome.UNKNOWN
    loop.run_forever()
    assert [(about, type(answer)) for about, answer in told] == [
        ("intent", JournalUnavailable),
        ("unknown", ItemRefused),
    ]
    assert tape.groups == []


@pytest.mark.parametrize("others", [0, 200], ids=["one group after another", "one begins before the last is believed"])
def test_the_next_group_is_held_to_what_the_one_under_way_writes(loop, tape, clock, others):
    outcomes, told = {7: Outcome.WAITING}, []
    commits = commits_to(tape, clock, outcome_of=outcomes.get)

    def fold(events):
        for event in events:
            if event.number:
                outcomes[event.number] = advance(outcomes[event.number], event.body)

    commits.committed.subscribe(fold)
    commits.submit(Item(0, (intent(),), 7, "ab"))
    loop.advance(0.5)
    for _ in range(others):
        commits.submit(item())
    commits.submit(Item(0, (Expired(reason=Reason.HALTED),), 7, "ab"), lambda _, answers: told.extend(answers))
    assert commits.outcome(7) is Outcome.PLACING
    loop.run_forever()
    assert told == [ItemRefused("expired cannot follow placing")]
    assert outcomes == {7: Outcome.PLACING}


def test_a_verdict_that_cannot_be_encoded_is_turned_away_as_malformed_and_the_others_pass(loop, tape, clock):
    tape.poison = "id of b"
    commits, turned_away, receipts = commits_to(tape, clock), [], []
    source: Subject[Verdict] = Subject()
    passed = []
    stage = record(
        commits,
        item_of=lambda verdict: Item(
            0, (Refused(reason=Reason.WEAK),), new=NewSignal(f"id of {verdict.signal.id}", b"", b"")
        ),
        turned_away=lambda verdict, reason: turned_away.append((verdict.signal.id, reason)),
    )
    source.pipe(stage).subscribe(lambda entered: passed.extend(each.verdict.signal.id for each in entered))
    for letter in "abc":
        source.on_next(Verdict(Signal(id=letter, content=b"", raw=b""), 0, reply=receipts.append))
    loop.run_forever()
    assert passed == ["a", "c"]
    assert turned_away == [("b", Reason.MALFORMED)]
    assert sorted((receipt.signal_id or "", receipt.reason) for receipt in receipts) == [
        ("", Reason.MALFORMED),
        ("a", None),
        ("c", None),
    ]


def intent() -> Intent:
    return order(price=None, order_id="c", reserved="1")
