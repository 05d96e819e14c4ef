"""Past candles, from an exchange that is handed in, and from one that is spoken to over HTTP."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from click.testing import CliRunner

pytest.importorskip("ccxt")

from ccxt.base.errors import AuthenticationError, RateLimitExceeded, RequestTimeout

from tidegate.cli import main
from tidegate.cli.download import Downloaded, save
from tidegate.domain.errors import SettingsError, VenueUnavailable
from tidegate.market.ccxt.history import pages_of
from tidegate.market.growing_recording import continues_ns

SYMBOL, MINUTE_MS, STEP_NS = "BTC/USDT", 60_000, 60_000_000_000
START_MS = 1_515_628_800_000


def row(minute, price=100.0):
    return [START_MS + minute * MINUTE_MS, price, price + 1, price - 1, price, 5.0]


class Venue:
    """An exchange that has some candles, gives them in pages, and raises what the script says, call by call."""

    id = "fake"

    def __init__(self, minutes, *, page=100, now_minute=10_000, script=()):
        self.has, self.timeframes = {"fetchOHLCV": True}, {"1m": "1m", "5m": "5m"}
        self.rows = [row(minute) if isinstance(minute, int) else minute for minute in minutes]
        self.page, self.script, self.now_ms = page, list(script), START_MS + now_minute * MINUTE_MS + 30_000
        self.markets, self.asked = {}, []

    async def load_markets(self):
        self.markets = {SYMBOL: {}, "ETH/USDT": {}}

    async def fetch_ohlcv(self, symbol, timeframe, since):
        self.asked.append((since - START_MS) // MINUTE_MS)
        if self.script and (error := self.script.pop(0)) is not None:
            raise error
        return [row for row in self.rows if row[0] is None or row[0] >= since][: self.page]

    def milliseconds(self):
        return self.now_ms


class Downloads:
    """Downloads into a file, as often as it is asked; `paused` tells how long it waited."""

    def __init__(self, path):
        self.path, self.paused = path, []

    def __call__(self, venue, since=0, until=None, symbol=SYMBOL, timeframe="1m"):
        async def pause(seconds):
            self.paused.append(seconds)

        begins_ns = continues_ns(self.path, symbol, STEP_NS)
        since_ms = START_MS + since * MINUTE_MS if begins_ns is None else begins_ns // 1_000_000
        until_ms = None if until is None else START_MS + until * MINUTE_MS
        pages = pages_of(venue, symbol, timeframe, since_ms=since_ms, until_ms=until_ms, pause=pause)
        return asyncio.run(save(self.path, pages, lambda *_: None))

    def minutes(self):
        """The minutes there are, by the file's own text."""
        head, *lines = self.path.read_text().splitlines()
        assert head == "timestamp,open,high,low,close,volume"
        stamps = [int(line.split(",")[0]) for line in lines]
        assert all(one < other for one, other in pairwise(stamps))
        return [(stamp - START_MS) // MINUTE_MS for stamp in stamps]


@pytest.fixture
def fetch(tmp_path):
    return Downloads(tmp_path / "BTC-USDT-1m.csv")


def test_page_after_page_comes_until_now_without_the_candle_that_is_still_forming(fetch):
    assert fetch(Venue(range(1000), page=300, now_minute=999)) == 999
    assert fetch.minutes() == list(range(999))


def test_from_one_moment_up_to_another(fetch):
    assert fetch(Venue(range(1000)), since=50, until=70) == 20
    assert fetch.minutes() == list(range(50, 70))


def test_a_file_is_continued_after_its_last_candle(fetch):
    fetch(Venue(range(150)), until=150)
    before = fetch.path.read_bytes()
    later = Venue(range(400))
    assert fetch(later, until=320) == 170
    assert later.asked[0] == 150
    assert fetch.minutes() == list(range(320))
    assert fetch.path.read_bytes().startswith(before)
    assert fetch(Venue(range(400)), until=320) == 0


def test_a_line_that_was_cut_short_is_fetched_again(fetch):
    fetch(Venue(range(10)), until=10)
    whole = fetch.path.read_bytes()
    fetch.path.write_bytes(whole[:-7])
    assert fetch(Venue(range(20)), until=20) == 11
    assert fetch.minutes() == list(range(20))
    assert fetch.path.read_bytes().startswith(whole)


@pytest.mark.parametrize("cut", [3, 20], ids=["in its header", "before its first candle"])
def test_a_file_without_a_candle_begins_anew(fetch, cut):
    fetch.path.write_bytes(b"timestamp,open,high,low,close,volume\n"[:cut])
    assert fetch(Venue(range(5)), until=5) == 5
    assert fetch.minutes() == list(range(5))


def test_what_fails_for_a_moment_is_asked_again(fetch):
    errors = [RequestTimeout("slow"), RateLimitExceeded("429"), None, RequestTimeout("slow")]
    assert fetch(Venue(range(250), script=errors), until=250) == 250
    assert fetch.paused == [1, 2, 1]
    assert fetch.minutes() == list(range(250))


def test_what_goes_on_failing_ends_it_and_keeps_what_there_is(fetch):
    venue = Venue(range(250), script=[None, *[RequestTimeout("slow")] * 6])
    with pytest.raises(VenueUnavailable, match="RequestTimeout"):
        fetch(venue, until=250)
    assert fetch.minutes() == list(range(100))
    assert fetch.paused == [1, 2, 4, 8, 16]
    assert fetch(Venue(range(250)), until=250) == 150


def test_what_will_not_go_away_is_not_asked_again(fetch):
    with pytest.raises(VenueUnavailable, match="AuthenticationError"):
        fetch(Venue(range(9), script=[AuthenticationError("no")]))
    assert fetch.paused == []


def test_candles_that_are_missing_are_listed_also_where_whole_pages_are_empty(fetch):
    there = [*range(5), *range(7, 10), *range(700, 705)]
    fetch(Venue(there), until=705)
    assert fetch.minutes() == there
    file = Downloaded.of(fetch.path, SYMBOL, STEP_NS, 13)
    assert [(gap.missing, (gap.from_ns // 1_000_000 - START_MS) // MINUTE_MS) for gap in file.gaps] == [
        (2, 5),
        (690, 10),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param([None, 1, 1, 1, 1, 1], id="no time"),
        pytest.param([START_MS + 3 * MINUTE_MS, None, None, None, None, None], id="no prices"),
        pytest.param([START_MS + 3 * MINUTE_MS, 5, 4, 6, 5, 1], id="high under low"),
        pytest.param([START_MS + 3 * MINUTE_MS, 5, float("inf"), 4, 5, 1], id="no number"),
        pytest.param([START_MS + 3 * MINUTE_MS, 5, 6, 4, 5, -1], id="volume under 0"),
        pytest.param([START_MS + 2 * MINUTE_MS + 7, 5, 6, 4, 5, 1], id="within the candle before"),
    ],
)
def test_a_row_that_is_no_candle_is_a_gap(fetch, bad):
    fetch(Venue([0, 1, 2, bad, 4, 5]), until=6)
    assert fetch.minutes() == [0, 1, 2, 4, 5]


def test_rows_may_come_in_any_order_and_twice(fetch):
    fetch(Venue([3, 1, 2, 2, 0]), until=4)
    assert fetch.minutes() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("venue", "asked", "says"),
    [
        pytest.param(
            Venue([]), {"symbol": "BTC/USD"}, "fake does not trade BTC/USD, did you mean BTC/USDT", id="symbol"
        ),
        pytest.param(Venue([]), {"timeframe": "3m"}, "fake has no 3m candles; it has 1m, 5m", id="timeframe"),
    ],
)
def test_what_the_exchange_does_not_have_is_named(fetch, venue, asked, says):
    with pytest.raises(SettingsError, match=says):
        fetch(venue, **asked)


def test_an_exchange_without_candles_is_named(fetch):
    venue = Venue([])
    venue.has = {}
    with pytest.raises(SettingsError, match="fake has no candles to download"):
        fetch(venue)


def test_a_file_of_another_timeframe_is_not_continued(fetch, tmp_path):
    path = tmp_path / "f.csv"
    path.write_text("timestamp,open,high,low,close,volume\n0,1,1,1,1,1\n90000,1,1,1,1,1\n")
    with pytest.raises(SettingsError, match="candles of another timeframe"):
        continues_ns(path, SYMBOL, STEP_NS)


def test_from_an_exchange_over_http_and_into_a_replay(exchange_process, tmp_path, monkeypatch):
    from tidegate.emulator import settings_for

    monkeypatch.chdir(tmp_path)
    block = settings_for("binance", exchange_process()())
    trader = {"id": "main", "exchange": "binance", "ccxt": block}
    (tmp_path / "settings.json").write_text(json.dumps({"traders": [trader], "logging": {"json_file": None}}))

    def ask(*words):
        return CliRunner().invoke(main, words)

    asked = ("download", "--exchange", "binance", "--symbol", "BTC/USDT", "--timeframe", "1m")
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    since, middle, until = ((this_hour - timedelta(hours=hours)).isoformat() for hours in (30, 20, 10))
    first = ask(*asked, "--since", since, "--until", middle, "--json")
    assert first.exit_code == 0, first.output
    told = json.loads(first.stdout)
    assert (told["file"], told["added"], told["gaps"]) == ("BTC-USDT-1m.csv", 600, [])
    second = ask(*asked, "--until", until)
    assert second.exit_code == 0
    assert "BTC-USDT-1m.csv: 600 candles added, 1,200 in all" in second.stdout
    assert "no gaps" in second.stdout
    replayed = ask("replay", "--candles", "BTC-USDT-1m.csv", "--json")
    assert replayed.exit_code == 0, replayed.output
    assert json.loads(replayed.stdout)["balanced"] is True


def test_a_new_file_needs_a_beginning_and_a_timeframe_that_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ["download", "--exchange", "binance", "--symbol", "BTC/USDT"]
    answer = CliRunner().invoke(main, asked)
    assert (answer.exit_code, "BTC-USDT-5m.csv is new: give a start" in answer.stderr) == (2, True)
    answer = CliRunner().invoke(main, [*asked, "--timeframe", "5x"])
    assert (answer.exit_code, "timeframe must be" in answer.stderr) == (2, True)
    answer = CliRunner().invoke(main, ["download", "--exchange", "bnance", "--symbol", "BTC/USDT", "--since", "1d"])
    assert (answer.exit_code, "binance" in answer.stderr) == (2, True)
