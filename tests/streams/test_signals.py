"""Signals of our own: which candles strategies see, and when they may speak."""

import msgspec
import pytest
from reactivex import operators as ops

from operators.chunks import subscribe_chunks
from streams.signals import Generation, StrategySpec, generate
from tidegate.domain.market import Candle
from tidegate.domain.reading import read_signal
from tidegate.domain.signal import Side
from tidegate.marbles import Marbles
from tidegate.strategies import Idea

START_NS = 1_735_689_600_000_000_000
FRAME_NS = 1_000_000_000
TIMEFRAME_NS = 5 * FRAME_NS
LETTERS = "abcdefghijklmno"


def candle(closed_at_frame: int, symbol: str = "A/USDT") -> Candle:
    opened_ns = START_NS + closed_at_frame * FRAME_NS - TIMEFRAME_NS
    return Candle(symbol, opened_ns, TIMEFRAME_NS, 1.0, 1.0, 1.0, 1.0, 1.0)


def letter_of(raw) -> str:
    opened_ms = int(msgspec.json.decode(raw.payload)["key"].rpartition(" ")[2])
    return LETTERS[(opened_ms * 1_000_000 + TIMEFRAME_NS - START_NS) // FRAME_NS - 1]


def always(name: str = "always", seen: list[Candle] | None = None, **params: object) -> StrategySpec:
    def fresh():
        def strategy(candle: Candle) -> Idea:
            if seen is not None:
                seen.append(candle)
            return Idea(Side.BUY, 0.8)

        return strategy

    return StrategySpec(name, params, fresh)


class Market:
    """Candles by letter, `a` closing in the first frame; strategies are asked every fifth."""

    def __init__(self) -> None:
        self.m = Marbles(start_ns=START_NS, **{name: candle(n) for n, name in enumerate(LETTERS, 1)})
        self.faults: list[tuple[str, str]] = []

    def signals(self, given: str, *strategy_specs: StrategySpec, min_candles: int = 1, history=()):
        generation = Generation(strategy_specs or (always(),), interval_s=5, min_candles=min_candles)
        return self.m.hot(given).pipe(
            generate(generation, clock=self.m.clock, history=history, fault=self.report),
        )

    def report(self, where: str, error: Exception) -> None:
        self.faults.append((where, repr(error)))


@pytest.mark.parametrize(
    ("given", "then"),
    [
        pytest.param("-a----------", "-----a------", id="a candle is spoken of once, at the next tick"),
        pytest.param("-----e------", "-----e------", id="a candle that closes with the tick is in time"),
        pytest.param("-abc--------", "-----c------", id="only of the newest"),
        pytest.param("-a----f-----", "-----a----f-", id="of each that is the newest at a tick"),
        pytest.param("-a----a-----", "-----a------", id="the same candle again is no news"),
        pytest.param("--b-a-------", "-----b------", id="nor is an older one"),
        pytest.param("-------a----", "------------", id="a candle older than a timeframe is not spoken of"),
        pytest.param("------e-----", "----------e-", id="one exactly a timeframe old is"),
        pytest.param("-a|", "-----(a|)", id="the last candles are looked at before the end"),
        pytest.param("-a----|", "-----a|", id="with nothing to look at it ends at once"),
        pytest.param("-a#", "--#", id="errors pass at once"),
    ],
)
def test_a_strategy_speaks_of_the_newest_candle_on_a_tick(given, then):
    market = Market()
    market.m.expect(market.signals(given), then, show=letter_of)


@pytest.mark.parametrize(
    ("given", "history", "then"),
    [
        pytest.param("-ab--------", 0, "-----------", id="two are too few"),
        pytest.param("-abc-------", 0, "-----c-----", id="three are enough"),
        pytest.param("-ab---f----", 0, "----------f", id="they count from the first on"),
        pytest.param("-a---------", 2, "-----a-----", id="and those before the start count"),
        pytest.param("-----------", 9, "-----------", id="but nothing is said of them"),
    ],
)
def test_a_symbol_needs_min_candles(given, history, then):
    market = Market()
    before = [candle(n) for n in range(-history, 0)]
    market.m.expect(market.signals(given, min_candles=3, history=before), then, show=letter_of)


def test_a_strategy_sees_every_closed_candle_once_and_in_order_history_first():
    market, seen = Market(), []
    history = [candle(-1), candle(0)]
    market.m.expect(market.signals("-ab-b-f----g", always(seen=seen), history=history), "-----b----f-", show=letter_of)
    assert seen == [candle(n) for n in (-1, 0, 1, 2, 6)]


def test_what_is_said_names_strategy_parameters_symbol_timeframe_and_candle():
    market = Market()

    def fresh():
        return lambda _: Idea(Side.SELL, 0.7, 0.4)

    said = market.m.record(market.signals("-a", StrategySpec("fade", {"slow": 8, "fast": 3}, fresh)))
    market.m.run(6)
    (raw,) = said.values
    signal, refusal = read_signal(raw, START_NS + 5 * FRAME_NS)
    opened_ms = (START_NS - 4 * FRAME_NS) // 1_000_000
    assert refusal is None
    assert raw.generated
    assert signal.source == "strategy:fade"
    assert signal.key == f"fade(fast=3,slow=8) A/USDT 5s {opened_ms}"
    assert (signal.side, signal.strength, signal.confidence) == (Side.SELL, 0.7, 0.4)
    assert signal.timestamp_ns == START_NS + 5 * FRAME_NS


def raises():
    def strategy(_: Candle) -> Idea:
        raise ValueError("broken")

    return strategy


def talks_nonsense():
    return lambda _: object()


@pytest.mark.parametrize("fresh", [pytest.param(raises, id="raises"), pytest.param(talks_nonsense, id="gives no idea")])
def test_a_strategy_that_breaks_is_reported_and_the_others_go_on(fresh):
    market = Market()
    broken = StrategySpec("broken", {}, fresh)
    market.m.expect(market.signals("-a----f----", broken, always()), "-----a----f", show=letter_of)
    assert [where for where, _ in market.faults] == ["strategy broken on A/USDT"] * 2


def test_a_strategy_that_raised_earlier_in_the_interval_may_speak_of_the_newest():
    market = Market()

    def fresh():
        def strategy(seen: Candle) -> Idea:
            if seen == candle(1):
                raise ValueError("the first is too much")
            return Idea(Side.BUY, 0.8)

        return strategy

    market.m.expect(market.signals("-ab----", StrategySpec("shy", {}, fresh)), "-----b-", show=letter_of)
    assert [where for where, _ in market.faults] == ["strategy shy on A/USDT"]


def test_each_symbol_has_strategies_of_its_own():
    m = Marbles(start_ns=START_NS, a=candle(1), x=candle(2, "X/USDT"))

    def fresh():
        seen = set()

        def strategy(candle: Candle) -> Idea | None:
            seen.add(candle.symbol)
            return Idea(Side.BUY, 0.8) if seen == {candle.symbol} else None

        return strategy

    generation = Generation([StrategySpec("own", {}, fresh)], interval_s=5, min_candles=1)
    signals = m.hot("-ax----").pipe(
        generate(generation, clock=m.clock, fault=lambda *_: None),
        ops.map(lambda raw: msgspec.json.decode(raw.payload)["symbol"][0].lower()),
    )
    m.expect(signals, "-----(ax)-", show=str)


def test_two_subscribers_have_strategies_of_their_own():
    market = Market()

    def fresh():
        spoken = []

        def strategy(_: Candle) -> Idea | None:
            spoken.append(1)
            return Idea(Side.BUY, 0.8) if len(spoken) == 1 else None

        return strategy

    signals = market.signals("-a----f----", StrategySpec("once", {}, fresh))
    first = market.m.record(signals)
    market.m.expect(signals, "-----a-----", show=letter_of)
    market.m.expect(first, "-----a-----", show=letter_of)


def test_unsubscribing_leaves_no_timer_behind():
    market = Market()
    subscription = market.signals("-a").subscribe()
    market.m.run(2)
    subscription.dispose()
    assert market.m.loop.next_due_ns() is None


def test_the_signals_of_one_tick_come_as_one_chunk():
    m, chunks = Marbles(start_ns=START_NS, a=candle(1), x=candle(2, "X/USDT")), []
    generation = Generation([always(), always("also")], interval_s=5, min_candles=1)
    signals = m.hot("-ax----").pipe(generate(generation, clock=m.clock, fault=lambda *_: None))
    subscribe_chunks(signals, chunks.append, lambda _: None, lambda: None)
    m.run(6)
    assert [[msgspec.json.decode(raw.payload)["symbol"] for raw in chunk] for chunk in chunks] == [
        ["A/USDT", "A/USDT", "X/USDT", "X/USDT"]
    ]


def test_what_a_strategy_says_is_written_as_ever():
    market = Market()
    said = market.m.record(market.signals("-a", always("plain", slow=1), min_candles=1))
    market.m.run(6)
    opened_ms = (START_NS - 4 * FRAME_NS) // 1_000_000
    assert said.values[0].payload == (
        b'{"symbol":"A/USDT","side":"buy","strength":0.8,"timestamp":%d,"source":"strategy:plain",'
        b'"key":"plain(slow=1) A/USDT 5s %d"}' % ((START_NS + 5 * FRAME_NS) // 1_000_000, opened_ms)
    )
