"""What the journal adds up to: folded as a whole, or from an image and the events behind it, it is the same."""

import random
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.state import State
from tests import builders
from tidegate.domain import events as e
from tidegate.domain.events import Recorded
from tidegate.domain.lifecycle import Outcome
from tidegate.domain.market import Mark
from tidegate.domain.order import OrderStatus
from tidegate.domain.reasons import Reason

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")
ACCEPTED = e.Accepted(score=1, parts=(), expires_at_ns=0)


def content(state: State) -> dict[str, object]:
    """All that a state says, to be compared."""
    ledger = state.ledger
    counted = ledger.received, ledger.redelivered, ledger.turned_away
    accounts = {
        trader: (
            {currency: (b.total, b.locked) for currency, b in account.balances.items()},
            {symbol: (h.amount, h.cost, h.realized) for symbol, h in account.holdings.items()},
            account.orders,
            (account.put_in, account.fees, account.unvalued_fees),
        )
        for trader, account in state.book.accounts.items()
    }
    return {
        "counted": counted,
        "outcomes": +ledger.outcomes,
        "reasons": ledger.reasons,
        "standing": state.statuses,
        "halted": state.halted,
        "accounts": accounts,
        "open_positions": state.book.open_positions,
        "marks": state.book.marks,
        "position": state.position,
        "by hand": (state.noticed, state.decided),
    }


def folded(journal) -> State:
    state = State()
    state.fold(journal.read())
    return state


@st.composite
def a_day(draw):
    """What may happen to a pipeline, in short."""
    send = st.tuples(
        st.just("send"),
        st.sampled_from(SYMBOLS),
        st.sampled_from(("buy", "buy", "sell")),
        st.sampled_from((0.2, 0.6, 0.9)),
        st.sampled_from((None, 5, 40)),
    )
    quote = st.tuples(st.just("quote"), st.sampled_from(SYMBOLS), st.integers(90, 110), st.sampled_from((1, 1000)))
    wait = st.tuples(st.just("wait"), st.sampled_from((1, 11, 31)))
    other = st.tuples(st.sampled_from(("halt", "reduce", "resume", "trigger", "again")))
    return draw(st.lists(st.one_of(send, send, quote, wait, other), max_size=25))


def live(it, day, chance: random.Random, *, each) -> None:
    """Let a day happen, and `each` after every step of it."""
    for number, (what, *about) in enumerate(day):
        match what:
            case "send":
                symbol, side, strength, ttl_s = about
                generated = {"generated": True, "source": "strategy:s"} if chance.random() < 0.3 else {}
                it.send(f"k{number}", symbol=symbol, side=side, strength=strength, ttl_s=ttl_s, **generated)
            case "again":
                it.send("k0", strength=0.9)
            case "quote":
                symbol, price, depth = about
                it.quote(symbol, str(price), depth=str(depth))
            case "wait":
                it.run(about[0])
            case "trigger":
                it.engine.trigger()
            case "resume":
                it.engine.record(e.Resumed())
            case _:
                it.engine.record(e.Halted(reduce_only=what == "reduce", why="a test"))
        each()


@settings(max_examples=60, deadline=None)
@given(day=a_day(), group_max=st.integers(1, 3), image_every=st.integers(0, 4), seed=st.integers(0, 9))
def test_an_image_and_the_events_behind_it_give_what_all_events_give(stage, day, group_max, image_every, seed):
    it = stage(journal__group_max=str(group_max))
    commits = it.engine.parts.commits
    commits._image_every = commits._image_due_at = image_every
    it.start()
    commits.committed.subscribe(lambda _: same())

    def same() -> None:
        whole = content(folded(it.journal))
        assert content(State.of(it.journal)) == whole
        if not commits.depth():
            assert content(it.engine.parts.state) == whole

    live(it, day, random.Random(seed), each=lambda: None)
    it.run(40)
    same()
    assert it.engine.parts.state.ledger.balanced


@pytest.mark.parametrize("seed", range(8))
def test_killed_again_and_again_it_goes_on_with_what_it_had(stage, tmp_path, seed):
    url = f"sqlite:///{tmp_path}/journal.db"
    chance = random.Random(seed)
    start_ns, before, sent = 1_735_689_600_000_000_000, None, 0
    for _ in range(12):
        it = stage(url, start_ns=start_ns, journal__group_max="3", execution__signal_ttl_s="60")
        it.engine.parts.commits._image_every = it.engine.parts.commits._image_due_at = 20
        if before is not None:
            assert content(folded(it.journal))["accounts"] == content(it.engine.parts.state)["accounts"] == before
        it.start(price=None)
        for _ in range(chance.randrange(1, 9)):
            sent += 1
            symbol = chance.choice(SYMBOLS)
            it.quote(symbol, str(chance.randrange(90, 110)), depth=chance.choice(("0.2", "1000")))
            it.send(f"k{sent}", symbol=symbol, side=chance.choice(("buy", "sell")), strength=chance.random())
            it.loop.advance(chance.choice((0, 0.5, 3)))
        it.loop.advance(chance.choice((0, 9.999, 10, 10.5)))
        it.kill()
        start_ns = it.clock.now_ns()
        before = content(it.engine.parts.state)["accounts"]
    it = stage(url, start_ns=start_ns).start()
    it.run(200)
    assert it.engine.idle
    assert sum(it.ledger().values()) == sent
    kinds = [(event.number, e.kind_of(event.body)) for event in it.journal.read() if event.number]
    assert max(kinds.count((number, "placed")) for number, _ in kinds) == 1


def test_capital_reserved_ahead_of_the_journal_is_in_no_image(stage):
    it = stage(journal__group_max="1").start()
    for key in "abc":
        it.send(key)
    it.run(1)
    images = []
    it.engine.parts.commits.committed.subscribe(
        lambda events: images.append(msgspec.json.decode(it.engine.parts.state.image()))
    )
    it.engine.trigger()
    it.run(1)
    open_orders = [len(image["accounts"]["paper"]["orders"]) for image in images]
    assert open_orders[:3] == [1, 2, 3]


def test_an_image_of_an_older_program_is_left_aside(stage):
    """It says nothing of fees and of what was put in, which no event behind it can tell."""
    it = stage().start()
    it.send("a")
    it.run(11)
    image = msgspec.json.decode(it.engine.parts.state.image())
    new = "put_in", "fees", "unvalued_fees"
    older = {name: value for name, value in image.items() if name not in ("form", "marks")}
    older["accounts"] = {
        trader: {name: value for name, value in account.items() if name not in new}
        for trader, account in image["accounts"].items()
    }
    it.wait(it.journal.commit([], {"state": msgspec.json.encode(older)}))
    assert State.of(it.journal).book.account("paper").fees["USDT"] > 0
    assert content(State.of(it.journal)) == content(folded(it.journal))


def test_an_image_in_which_a_part_had_another_name_is_left_aside(stage):
    it = stage().start()
    it.send("a")
    it.run(11)
    image = msgspec.json.decode(it.engine.parts.state.image())
    older = {("standing" if name == "statuses" else name): value for name, value in image.items()} | {"form": 2}
    it.wait(it.journal.commit([], {"state": msgspec.json.encode(older)}))
    assert content(State.of(it.journal)) == content(folded(it.journal))


def test_the_marks_of_an_orderly_stop_are_known_to_the_next_run(stage, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = stage(url, traders__0__balances='{"USDT": "1000", "ETH": "1"}').start()
    first.send("a")
    first.run(11)
    first.quote("BTC/USDT", "120")
    first.quote("ETH/USDT", "50")
    at_ns = first.clock.now_ns()
    first.wait(first.engine.stop())
    marks = stage(url, start_ns=first.clock.now_ns()).engine.parts.state.book.marks
    assert marks == {"BTC/USDT": Mark(Decimal(120), at_ns), "ETH/USDT": Mark(Decimal(50), at_ns)}


@pytest.mark.parametrize(
    "bodies",
    [
        pytest.param([e.Expired(reason=Reason.HALTED)], id="it is the first"),
        pytest.param([ACCEPTED, ACCEPTED], id="it is a second first"),
        pytest.param([e.Refused(reason=Reason.WEAK), e.Superseded(by="x")], id="the outcome is final"),
        pytest.param([ACCEPTED, e.Parked(client_order_id="", detail="")], id="it is not its turn"),
    ],
)
def test_an_event_that_cannot_follow_changes_nothing_and_is_named_until_a_halt_names_it(bodies):
    state = State()
    events = [Recorded(position, 1, "ab", 0, body) for position, body in enumerate(bodies, 1)]
    state.fold(events)
    until_then = State()
    until_then.fold(events[:-1])
    assert content(state) == content(until_then) | {"position": len(events)}
    assert state.ledger.balanced
    assert list(state.illegal) == ["ab"]
    assert "cannot follow" in state.illegal["ab"]
    state.fold([Recorded(9, 0, "", 0, e.Halted(reduce_only=True, why="signal ab: it cannot be"))])
    assert state.illegal == {}


def test_an_order_that_was_over_before_its_acknowledgement_is_not_booked_again():
    state, order = State(), {"client_order_id": "o", "venue_order_id": "v"}
    intent = builders.order(order_id="o")
    bodies = [
        ACCEPTED,
        e.Intent(**{field: getattr(intent, field) for field in intent.__struct_fields__}),
        e.OrderChanged(client_order_id="o", status=OrderStatus.CANCELED),
        e.Placed(**order, status=OrderStatus.CLOSED, fills=(builders.fill("t", "1", "100"),)),
    ]
    state.fold([Recorded(position, 1, "ab", 0, body) for position, body in enumerate(bodies, 1)])
    assert (state.statuses, state.illegal, list(state.book.accounts)) == ({}, {}, ["paper"])
    assert state.book.account("paper").holdings == {}
    assert state.ledger.outcomes[Outcome.PLACED] == 1
