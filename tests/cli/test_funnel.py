import asyncio
import contextlib
import io
import json
import re
import sys
import threading
from decimal import Decimal

import msgspec
import pytest
from rich.console import Console

from tests.builders import fill
from tidegate.assembly import assemble
from tidegate.cli.funnel import Funnel, show_funnel
from tidegate.cli.live_screen import LiveScreen, LogTail
from tidegate.cli.screen_room import shares
from tidegate.clock import Clock, VirtualLoop
from tidegate.domain import events as e
from tidegate.domain.account import Holding
from tidegate.domain.incident import IncidentKind
from tidegate.domain.market import Quote
from tidegate.domain.order import OrderStatus
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import OrderType, Raw, Side
from tidegate.insight.formatting import age, change, count, duration, money, percent, plain
from tidegate.insight.recent_orders import RecentOrders
from tidegate.insight.summary_line import summary_line
from tidegate.insight.telemetry import Telemetry
from tidegate.journal.sqlite_journal import SqliteJournal
from tidegate.settings import Settings

START_NS = 1_700_000_000_000_000_000  # 22:13:20 UTC
SYMBOLS = frozenset({"A/USDT", "B/USDT"})


def run(scene, url="sqlite:///:memory:", **changes):
    loop = VirtualLoop()

    async def live():
        clock = Clock.simulated(loop, START_NS)
        settings = Settings.model_validate({"traders": [{"balances": {"USDT": "1000"}}], **changes})
        journal = SqliteJournal(url, mode="paper", synchronous="normal")
        engine = await assemble(settings, journal, clock, SYMBOLS)
        return await scene(engine)

    return loop.run_until_complete(live())


def show(engine, symbol, bid, ask):
    quote = Quote(symbol, engine.parts.clock.now_ns(), Decimal(bid), Decimal(ask), Decimal(1000))
    engine.parts.markets.follow(quote)
    for trader in engine.traders:
        trader.venue.on_quote(quote)


async def send(engine, key, **fields):
    said = {"symbol": "A/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": key, **fields}
    engine.inbox.give([Raw(json.dumps(said).encode(), may_say_now=True)])
    await engine.committed()


async def trade(engine):
    """One bought, one kept waiting by its symbol, two weak, one that has nothing to sell; a fault; 15 s in all."""
    await engine.start([])
    show(engine, "A/USDT", "10.00", "12.50")
    await send(engine, "a")
    await send(engine, "b", symbol="B/USDT")
    await send(engine, "w", strength=0.1)
    await send(engine, "v", strength=0.2)
    await send(engine, "s", side="sell", symbol="A/USDT", trader="paper", tags=["x"])
    await asyncio.sleep(11)
    engine.fault(IncidentKind.STRATEGY_RAISED, "strategy x", ValueError("boom"))
    show(engine, "A/USDT", "13", "13.5")
    await asyncio.sleep(4)


def drawn(funnel, width=100, height=30):
    console = Console(record=True, width=width, height=height, file=io.StringIO())
    console.print(funnel)
    return console.export_text()


def seen(scene=trade, width=100, height=30, then=None, **changes):
    async def look(engine):
        funnel = Funnel(engine, Telemetry.of(engine), mode="paper", world_name="simulated market")
        await scene(engine)
        if then is not None:
            await then(engine)
        return drawn(funnel, width, height)

    return run(look, **changes)


def rows(text):
    """The words of each line, however far apart they stand."""
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("PAPER · SIMULATED MARKET up 15 s next execution in 25 s", id="what is traded, and when next"),
        pytest.param("5 ▶ 3 ▶ 1 ▶ 0 ▶ 1", id="the numbers of the funnel"),
        pytest.param("received accepted waiting placing placed", id="their names"),
        pytest.param("3 refused · 0 superseded · 0 expired · 0 failed · 0 unknown · 0 parked", id="the other outcomes"),
        pytest.param("balanced: yes · turned away: 0 · faults: 1", id="the ledger"),
        pytest.param("22:13:30 UTC 7b0d32bd buy A/USDT 8 12.5 closed 100%", id="the order, with its signal's id"),
        pytest.param("orders: 0 open signal side symbol amount price status filled", id="how many orders are open"),
        pytest.param("1,003.90 USDT 899.90 USDT 0.00 USDT +3.90 USDT 0.10 USDT", id="the money"),
        pytest.param("equity cash net realized unrealized fees", id="what it is"),
        pytest.param("A/USDT 8 12.5125 13 +3.90 USDT +3.90%", id="the position, its entry with the fee"),
    ],
)
def test_the_screen_tells(line):
    assert line in rows(seen())


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(r"A/USDT +13 +13.5 +4.0 s .*weak +2 ", id="prices with their age, and the most frequent reason"),
        pytest.param(r"B/USDT +no price .*no_position +1 ", id="a symbol without price"),
        pytest.param(r"waited +(9\.\d|10) s +(9\.\d|10) s", id="latencies"),
        pytest.param(r"positions: 1 +amount", id="how many positions"),
    ],
)
def test_the_tables_side_by_side_tell(words):
    assert re.search(words, seen())


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (200, 60)])
@pytest.mark.parametrize("colour", [None, "truecolor"])
def test_it_fits_the_terminal(width, height, colour):
    async def many(engine):
        await trade(engine)
        ledger = engine.parts.state.ledger
        ledger.reasons.update({f"reason{n}": n for n in range(99)})
        engine.parts.markets.symbols = frozenset(f"S{n}/USDT" for n in range(99))
        account = engine.parts.state.book.account("paper")
        account.holdings.update({f"S{n}/USDT": account.holdings["A/USDT"] for n in range(99)})
        engine.record(e.Halted(reduce_only=False, why="x" * 999))
        await engine.committed()
        funnel = Funnel(engine, Telemetry.of(engine), mode="paper", world_name="simulated market")
        console = Console(width=width, height=height, color_system=colour, force_terminal=True, file=io.StringIO())
        return console.render_lines(funnel, console.options)

    assert len(run(many)) <= height


def test_dust_is_no_position_and_still_shown():
    async def dusty(engine):
        account = engine.parts.state.book.account("paper")
        account.holdings["B/USDT"] = Holding(Decimal("0.0004"), Decimal("0.004"), least=Decimal("0.5"))

    lines = rows(seen(then=dusty))
    assert "positions: 1 + 1 dust amount entry with fees bid unrealized" in lines
    assert not any(line.startswith("B/USDT 0.0004") for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_the_money_is_whole_at_any_width(width):
    async def rich(engine):
        engine.record(e.Funded(trader="paper", balances={"USDT": Decimal(123_456_789)}))
        await engine.committed()

    lines = rows(seen(width=width, height=24, then=rich))
    assert "123,457,792.90 USDT 123,457,688.90 USDT 0.00 USDT +3.90 USDT 0.10 USDT" in lines


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_everything_is_there_at_eighty_and_at_a_hundred_and_twenty_columns(width, height):
    text = seen(width=width, height=height)
    lines = text.splitlines()
    assert (len(lines) <= height, max(map(len, lines))) == (True, width)
    assert "…" not in text
    for words in (
        "PAPER · SIMULATED MARKET",
        "next execution in 25 s",
        "no_position",
        "no price",
        "+3.90 USDT",
        "+3.90%",
    ):
        assert words in text
    assert "22:13:30 UTC 7b0d32bd buy A/USDT 8 12.5 closed 100%" in rows(text)


@pytest.mark.parametrize(
    ("height", "said"),
    [
        pytest.param(24, ["+7 more", "+8 more"], id="in the smallest terminal"),
        pytest.param(30, ["+4 more", "+5 more"], id="in a larger one"),
        pytest.param(60, [], id="where there is room for all"),
    ],
)
def test_what_does_not_fit_is_counted(height, said):
    async def many(engine):
        account = engine.parts.state.book.account("paper")
        account.holdings.update({f"S{n}/USDT": account.holdings["A/USDT"] for n in range(9)})
        engine.parts.state.ledger.reasons.update({f"reason{n}": 1 for n in range(9)})

    lines = rows(seen(height=height, then=many))
    assert "positions: 10 amount entry with fees bid unrealized" in lines
    assert sorted(word for line in lines for word in re.findall(r"\+\d+ more", line)) == said


def test_the_asks_are_shown_where_there_is_room():
    assert "ask" in seen(width=100)
    assert "ask" not in seen(width=99)


@pytest.mark.parametrize(("height", "shown", "more"), [(24, 3, "+6 more"), (60, 9, None)])
def test_the_latest_orders_are_shown_and_the_others_counted(height, shown, more):
    async def buy(engine):
        await trade(engine)
        for number in range(9):
            await send(engine, f"n{number}")
        engine.trigger()
        await asyncio.sleep(1)

    text = seen(buy, height=height, execution={"signal_ttl_s": 500})
    assert text.count(" UTC ") == shown
    assert (more is None) or more in text


def test_an_order_that_is_open_after_a_restart_is_on_the_screen_before_later_ones(tmp_path):
    url = f"sqlite:///{tmp_path}/j.db"

    async def rest(engine):
        await engine.start([])
        show(engine, "A/USDT", "10.00", "12.50")
        await send(engine, "rests", price="9", quantity="2")
        await asyncio.sleep(11)
        await engine.stop()

    async def again(engine):
        funnel = Funnel(engine, Telemetry.of(engine), mode="paper", world_name="simulated market")
        await engine.start([])
        before = rows(drawn(funnel))
        show(engine, "A/USDT", "10.00", "12.50")
        await send(engine, "later")
        await asyncio.sleep(11)
        return before, rows(drawn(funnel))

    run(rest, url=url)
    before, after = run(again, url=url)
    order = "22:13:30 UTC 5f7a6a27 buy A/USDT 2 9 open 0%"
    for lines in (before, after):
        head = lines.index("orders: 1 open signal side symbol amount price status filled")
        assert re.sub(" [0-9a-f]{8} ", " ID ", lines[head + 1]) == re.sub(" [0-9a-f]{8} ", " ID ", order)
    assert "closed 100%" in after[head + 2]


async def wait_20_s(engine):
    await asyncio.sleep(20)


async def lose(engine):
    show(engine, "A/USDT", "1", "2")


@pytest.mark.parametrize(
    ("then", "coloured"),
    [
        pytest.param(None, "\x1b[2m4.0 s\x1b[0m", id="a fresh price is nothing special"),
        pytest.param(wait_20_s, "\x1b[1;31m24 s\x1b[0m", id="a price that is too old stands out"),
        pytest.param(None, "\x1b[32m+3.90 USDT\x1b[0m", id="a gain is green"),
        pytest.param(lose, "\x1b[31m-92.10 USDT\x1b[0m", id="a loss is red"),
    ],
)
def test_colours_say_what_matters(then, coloured):
    async def look(engine):
        funnel = Funnel(engine, Telemetry.of(engine), mode="paper", world_name="simulated market")
        await trade(engine)
        if then is not None:
            await then(engine)
        console = Console(width=100, color_system="standard", no_color=False, force_terminal=True, file=io.StringIO())
        console.print(funnel)
        return re.sub(r"m +", "m", console.file.getvalue())

    assert coloured in run(look, execution={"signal_ttl_s": 500})


async def halt(engine):
    engine.record(e.Halted(reduce_only=False, why="by \x1b[2Jhand"))
    await engine.committed()


async def reduce_only(engine):
    engine.record(e.Halted(reduce_only=True, why="by hand"))
    await engine.committed()


async def break_down(engine):
    engine.failed.set_exception(ValueError("boom"))


async def fill_the_disk(engine):
    engine.parts.commits.failing = OSError("disk full")


async def unbalance(engine):
    engine.parts.state.ledger.received += 1


@pytest.mark.parametrize(
    ("then", "says"),
    [
        pytest.param(halt, r"HALTED: by \x1b[2Jhand", id="halted, and a reason that steers no terminal"),
        pytest.param(reduce_only, "REDUCE ONLY: by hand", id="reduce only"),
        pytest.param(break_down, "FAILED, nothing more is sent: boom", id="a stream broke"),
        pytest.param(fill_the_disk, "JOURNAL FAILING: disk full", id="the journal fails"),
        pytest.param(unbalance, "balanced: NO, 6 received · turned away: 0 · faults: 1", id="a signal is lost"),
    ],
)
def test_an_alarm_stands_on_the_screen(then, says):
    assert says in rows(seen(then=then))
    assert says not in rows(seen())


def test_a_summary_is_one_plain_line():
    async def sum_up(engine):
        await trade(engine)
        return summary_line(engine)

    assert run(sum_up) == (
        "executions 1, received 5, accepted 3, waiting 1, placing 0, placed 1, refused 3, superseded 0, expired 0, "
        "failed 0, unknown 0, parked 0; balanced: yes; next execution in 25 s"
    )


def test_without_a_terminal_each_execution_prints_a_line_once_its_outcomes_are_known():
    out = io.StringIO()

    async def live(engine):
        stop = show_funnel(engine, Telemetry.of(engine), mode="paper", world_name="simulated market", out=out)
        await trade(engine)
        await asyncio.sleep(30)
        stop()
        await asyncio.sleep(30)

    run(live, execution={"signal_ttl_s": 500})
    first, *lines = out.getvalue().splitlines()
    assert first == "PAPER · SIMULATED MARKET: next execution in 10 s"
    assert [re.match(r"executions (\d), .* placed (\d)", line).groups() for line in lines] == [("1", "1"), ("2", "1")]


def test_an_urgent_execution_of_one_signal_prints_no_line():
    out = io.StringIO()

    async def live(engine):
        show_funnel(engine, Telemetry.of(engine), mode="paper", world_name="simulated market", out=out)
        await trade(engine)

    run(live, execution={"urgent_score": 0.5, "first_after_s": 100, "signal_ttl_s": 500})
    assert len(out.getvalue().splitlines()) == 1


class Closed(io.StringIO):
    """A pipe whose reader has gone after the first line."""

    refused = 0

    def write(self, text):
        if self.getvalue().endswith("\n"):
            self.refused += 1
            raise BrokenPipeError
        return super().write(text)


def test_a_reader_that_has_gone_does_not_disturb_the_pipeline():
    out = Closed()

    async def live(engine):
        show_funnel(engine, Telemetry.of(engine), mode="paper", world_name="simulated market", out=out)
        await trade(engine)
        await asyncio.sleep(60)
        return engine.failed.done(), engine.parts.clock.loop.unhandled

    assert run(live, execution={"signal_ttl_s": 500}) == (False, [])
    assert out.refused == 1


class Terminal(io.StringIO):
    def isatty(self):
        return True


ENTER, LEAVE, HOME = "\x1b[?1049h", "\x1b[?1049l", "\x1b[H"


def live_on(engine, console, view=None, gone=lambda error: None):
    funnel = Funnel(engine, Telemetry.of(engine), mode="paper", world_name="simulated market")
    return LiveScreen(view or funnel.view, console, clock=engine.parts.clock, log=funnel.log, gone=gone)


def terminal(width=80, height=24):
    return Console(file=Terminal(), force_terminal=True, width=width, height=height, color_system=None)


def frames(text):
    """The pictures drawn on the alternate screen, as lists of lines."""
    text = re.sub(r"\x1b\[\?25[hl]", "", text[text.index(ENTER) : text.index(LEAVE)])
    return [frame.splitlines() for frame in text.split(HOME)[1:] if frame]


def test_on_a_terminal_the_screen_is_drawn_four_times_a_second_until_it_is_stopped():
    async def live(engine):
        funnel = Funnel(engine, Telemetry.of(engine), mode="paper", world_name="simulated market")
        taken_at_ns = []

        def view():
            taken_at_ns.append(engine.parts.clock.now_ns() - START_NS)
            return funnel.view()

        with live_on(engine, terminal(), view):
            await asyncio.sleep(1.1)
        await asyncio.sleep(9)
        return taken_at_ns

    assert run(live) == [0, 250_000_000, 500_000_000, 750_000_000, 1_000_000_000, 1_100_000_000]


def test_it_has_the_alternate_screen_for_itself_and_leaves_its_last_picture():
    async def live(engine):
        console = terminal()
        with live_on(engine, console):
            await trade(engine)
        return console.file.getvalue()

    text = run(live)
    assert (text.count(ENTER), text.count(LEAVE)) == (1, 1)
    assert "7b0d32bd" in text[text.index(ENTER) : text.index(LEAVE)]
    assert "7b0d32bd" in text[text.index(LEAVE) :]


def test_every_picture_covers_the_whole_terminal_also_after_it_was_resized():
    async def live(engine):
        console = terminal()
        with live_on(engine, console):
            await trade(engine)
            console.size = (100, 40)
            await asyncio.sleep(1)
            console.size = (80, 30)
            await asyncio.sleep(1)
        return console.file.getvalue()

    drawn_in = [(len(lines), {len(line) for line in lines}) for lines in frames(run(live))]
    sizes = list(dict.fromkeys((height, *widths) for height, widths in drawn_in))
    assert sizes == [(24, 80), (40, 100), (30, 80)]


def test_it_is_drawn_by_a_thread_of_its_own_and_never_two_pictures_at_once(tmp_path):
    drawing, go_on = threading.Event(), threading.Event()

    class Slow(Terminal):
        threads = ()

        def write(self, text):
            if "markets" in text:
                self.threads += (threading.current_thread().name,)
                drawing.set()
                go_on.wait(60)
            return super().write(text)

    async def live():
        loop = asyncio.get_running_loop()
        settings = Settings.model_validate({"traders": [{"balances": {"USDT": "1000"}}]})
        journal = SqliteJournal(f"sqlite:///{tmp_path}/j.db", mode="paper")
        engine = await assemble(settings, journal, Clock.live(loop), SYMBOLS)
        funnel = Funnel(engine, Telemetry.of(engine), mode="paper", world_name="x")
        taken = []

        def view():
            taken.append(threading.current_thread().name)
            return funnel.view()

        console = Console(file=Slow(), force_terminal=True, width=80, height=24)
        with live_on(engine, console, view):
            await loop.run_in_executor(None, drawing.wait, 60)
            cycles = engine.parts.clock.grid(0.01, first_after_s=0.01)
            for _ in range(3):  # the loop goes on while a picture is being drawn
                await next_of(cycles)
            before = len(taken)
            go_on.set()
        journal.close()
        return before, set(taken), console.file.threads[0]

    before, taken_by, drawn_by = asyncio.run(live())
    assert before == 1
    assert taken_by == {threading.main_thread().name}
    assert drawn_by.startswith("screen")


async def next_of(stream):
    seen = asyncio.get_running_loop().create_future()
    with stream.subscribe(lambda item: seen.done() or seen.set_result(item)):
        return await seen


def test_a_terminal_that_has_gone_ends_the_screen_and_nothing_else():
    class Gone(Terminal):
        def flush(self):
            if "markets" in self.getvalue():
                raise OSError("no terminal")

    async def live(engine):
        await engine.start([])
        console = Console(file=Gone(), force_terminal=True, width=80, height=24)
        told = []
        screen = live_on(engine, console, gone=told.append)
        with contextlib.suppress(OSError), screen:
            await asyncio.sleep(5)
        return [type(error) for error in told], engine.failed.done()

    assert run(live) == ([OSError], False)


def test_what_is_logged_meanwhile_is_the_last_line_and_stands_below_it_afterwards(monkeypatch):
    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)

    async def live(engine):
        console = terminal()
        with live_on(engine, console):
            for number in range(300):
                sys.stderr.write(f"warning {number}\n")
            await asyncio.sleep(1)
        return frames(console.file.getvalue())

    assert any(line.strip() == "warning 299" for line in run(live)[-1])
    assert stderr.getvalue().splitlines() == [f"warning {number}" for number in range(100, 300)]
    assert sys.stderr is stderr


def test_a_log_without_lines_has_no_last_one():
    assert LogTail().last == ""


def test_a_view_stays_as_it_was_taken():
    async def look(engine):
        funnel = Funnel(engine, Telemetry.of(engine), mode="paper", world_name="simulated market")
        await trade(engine)
        view = funnel.view()
        before = msgspec.json.encode((view.received, view.outcomes, view.reasons, view.orders, view.quotes))
        await send(engine, "more", strength=0.1)
        show(engine, "A/USDT", "20", "21")
        engine.trigger()
        await asyncio.sleep(30)
        assert funnel.view().received == view.received + 1
        assert msgspec.json.encode((view.received, view.outcomes, view.reasons, view.orders, view.quotes)) == before

    run(look)


@pytest.mark.parametrize(
    ("room", "wanted", "given"),
    [
        pytest.param(11, (4, 3, 2), [4, 3, 2], id="no list gets more than it wants"),
        pytest.param(11, (9, 9, 9), [5, 4, 2], id="what is left goes round"),
        pytest.param(20, (50, 1, 50), [11, 1, 8], id="what one does not want, the others get"),
        pytest.param(0, (50, 50, 50), [4, 3, 2], id="never less than the least"),
    ],
)
def test_the_room_is_shared(room, wanted, given):
    assert shares(room, wanted, (4, 3, 2)) == given


@pytest.mark.parametrize(
    ("term", "plain", "wanted"),
    [
        pytest.param("xterm", False, "22:13:30 UTC", id="a terminal gets the screen"),
        pytest.param("xterm", True, "executions 1, ", id="unless it is to be plain"),
        pytest.param("dumb", False, "executions 1, ", id="one that cannot go back gets lines"),
    ],
)
def test_a_terminal_gets_what_it_can_show(term, plain, wanted, monkeypatch):
    monkeypatch.setenv("TERM", term)
    out = Terminal()

    async def live(engine):
        stop = show_funnel(
            engine, Telemetry.of(engine), mode="paper", world_name="simulated market", out=out, plain=plain
        )
        await trade(engine)
        stop()

    run(live)
    assert wanted in out.getvalue()
    assert (ENTER in out.getvalue()) is (wanted == "22:13:30 UTC")


def intended(order_id, seconds=0):
    body = e.Intent(
        client_order_id=order_id,
        trader="paper",
        symbol="A/USDT",
        side=Side.BUY,
        order_type=OrderType.MARKET,
        amount=Decimal(4),
        price=None,
        attempt=1,
        reserved=Decimal(40),
    )
    return e.Recorded(1, 1, "s", seconds, body)


def about(order_id, kind, **said):
    return e.Recorded(2, 1, "s", 0, kind(client_order_id=order_id, **said))


FIRST = fill("t1", 1, 10)
PLACED = about("o", e.Placed, venue_order_id="v", status=OrderStatus.OPEN, fills=(FIRST,))

DEFERRED = about("o", e.Deferred, reason=Reason.BACKOFF, detail="", retry_at_ns=1)


@pytest.mark.parametrize(
    ("events", "status", "filled"),
    [
        pytest.param([], "placing", 0, id="on its way"),
        pytest.param([PLACED], "open", 1, id="acknowledged, with a first fill"),
        pytest.param([PLACED, about("o", e.Filled, fill=fill("t2", 2, 10))], "open", 3, id="filled further"),
        pytest.param([PLACED, about("o", e.OrderChanged, status=OrderStatus.CANCELED)], "canceled", 1, id="canceled"),
        pytest.param([about("o", e.Failed, reason=Reason.REJECTED, detail="")], "not_placed", 0, id="rejected"),
        pytest.param([DEFERRED], "not_placed", 0, id="put off"),
        pytest.param([about("o", e.Unknown, detail="")], "unknown", 0, id="no answer"),
        pytest.param([about("o", e.Parked, detail="")], "parked", 0, id="parked"),
        pytest.param([about("o", e.Reopened, venue_order_id="v", detail="", outcome="failed", fills=(FIRST,),
                            request=intended("o").body, status=OrderStatus.CLOSED)],
                     "closed", 1, id="found after all"),
        pytest.param([about("o", e.Adopted, venue_order_id="v", detail="", fills=(FIRST,),
                            request=intended("o").body, status=OrderStatus.OPEN)],
                     "open", 1, id="adopted"),
        pytest.param([about("other", e.Unknown, detail="")], "placing", 0, id="another order is not ours"),
    ],
)  # fmt: skip
def test_an_order_is_followed(events, status, filled):
    orders = RecentOrders()
    orders.watch([intended("o"), *events])
    (order,) = orders.latest(5)
    assert (order.status, order.filled) == (status, filled)


def test_the_newest_orders_are_remembered_and_only_64():
    orders = RecentOrders()
    orders.watch([intended(f"o{n}", n) for n in range(100)])
    assert [order.at_ns for order in orders.latest(3)] == [99, 98, 97]
    assert len(orders.latest(1000)) == 64


def test_orders_that_may_still_fill_are_kept_longest_and_come_first():
    orders = RecentOrders()
    orders.watch([intended("open", 0), about("open", e.Placed, venue_order_id="v", status=OrderStatus.OPEN)])
    for n in range(1, 100):
        orders.watch([intended(f"o{n}", n), about(f"o{n}", e.Failed, reason=Reason.REJECTED, detail="")])
    assert [order.at_ns for order in orders.latest(3)] == [0, 99, 98]


@pytest.mark.parametrize(
    ("said", "then"),
    [
        (count(1234567), "1,234,567"),
        (plain(Decimal("64123.500")), "64,123.5"),
        (plain(Decimal("0.00000012")), "0.00000012"),
        (plain(Decimal("1E+3")), "1,000"),
        (plain(Decimal("123456789012345678901234567890.5")), "123,456,789,012,345,678,901,234,567,890.5"),
        (money(Decimal("9912.4"), "USDT"), "9,912.40 USDT"),
        (money(Decimal("0.0375"), "USDT"), "0.0375 USDT"),
        (money(Decimal("0.05"), "USDT"), "0.05 USDT"),
        (money(Decimal("0.00001"), "USDT"), "0.00 USDT"),
        (money(Decimal(0), "EUR"), "0.00 EUR"),
        (money(Decimal("0.021000001"), "BTC"), "0.021 BTC"),
        (money(Decimal("-0.000000001"), "BTC"), "0 BTC"),
        (change(Decimal("-1234.567"), "USDT"), "-1,234.57 USDT"),
        (change(Decimal("0.00001234"), "BTC"), "+0.00001234 BTC"),
        (change(Decimal("0.00001"), "USDT"), "0.00 USDT"),
        (change(Decimal("0.3"), "USDT"), "+0.30 USDT"),
        (change(Decimal(20), "BTC"), "+20 BTC"),
        (percent(Decimal("-0.88"), Decimal(100)), "-0.88%"),
        (percent(Decimal("-0.001"), Decimal(100)), "0.00%"),
        (percent(Decimal(1), Decimal(0)), "-"),
        (age(-1), "0 ms"),
        (age(420_000), "0.42 ms"),
        (age(9_940_000), "9.9 ms"),
        (age(9_960_000), "10 ms"),
        (age(999_000_000), "999 ms"),
        (age(1_200_000_000), "1.2 s"),
        (age(35_400_000_000), "35 s"),
        (age(125_000_000_000), "2:05"),
        (duration(0), "0 s"),
        (duration(1), "1 s"),
        (duration(59_500_000_000), "1:00"),
        (duration(3_723_000_000_000), "1:02:03"),
        (duration(47 * 3_600_000_000_000), "47:00:00"),
        (duration(71 * 3_600_000_000_000), "2 d"),
    ],
)
def test_figures_are_short(said, then):
    assert said == then
