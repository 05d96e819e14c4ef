from pathlib import Path

import pytest

from tidegate.domain.errors import SettingsError
from tidegate.domain.market import Candle
from tidegate.market.recordings import merge_candles, read_candles

MINUTE_NS = 60_000_000_000
HEADER = "timestamp,open,high,low,close,volume"
FIRST, SECOND = "1700000040000,10,12,9,11,5", "1700000100000,11,13,10,12,0"
SHARED_CANDLES = Path(__file__).parents[2].parent / "shared" / "data" / "candles"


@pytest.fixture
def file(tmp_path):
    def written(*lines, name="ETH-BTC-1m.csv", end="\n"):
        path = tmp_path / name
        path.write_bytes(end.join(lines).encode())
        return path

    return written


def recording(file, symbol, *opened_at_min, minutes=1):
    lines = (f"{at * 60_000},1,1,1,1,1" for at in opened_at_min)
    return read_candles(file(HEADER, *lines, name="recording.csv"), symbol, f"{minutes}m")


def test_each_line_is_a_candle(file):
    read = read_candles(file(HEADER, FIRST, SECOND))
    assert (read.symbol, read.timeframe_ns) == ("ETH/BTC", MINUTE_NS)
    assert read.candles == (
        Candle("ETH/BTC", 1_700_000_040_000_000_000, MINUTE_NS, 10.0, 12.0, 9.0, 11.0, 5.0),
        Candle("ETH/BTC", 1_700_000_100_000_000_000, MINUTE_NS, 11.0, 13.0, 10.0, 12.0, 0.0),
    )


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        pytest.param(
            ["close,x,volume,low,timestamp,high,open", "11,?,5,9,1700000040000,12,10"], {}, id="in another order"
        ),
        pytest.param(
            [" Timestamp, Open,High,Low,Close,Volume ", FIRST], {}, id="with capitals and blanks in the header"
        ),
        pytest.param(["\ufeff" + HEADER, FIRST], {}, id="with a byte order mark"),
        pytest.param([HEADER, "", FIRST, "", ""], {}, id="with blank lines"),
        pytest.param([HEADER, FIRST], {"end": "\r\n"}, id="with the line ends of Windows"),
        pytest.param([HEADER, '"1700000040000","10","12","9","11","5"'], {}, id="with quoted fields"),
        pytest.param([HEADER, "1700000040000,1e1,12.0,9,11,5,extra,fields"], {}, id="with more fields than the header"),
    ],
)
def test_the_columns_may_stand(file, lines, options):
    assert read_candles(file(*lines, **options)).candles == read_candles(file(HEADER, FIRST)).candles


@pytest.mark.parametrize(
    ("name", "given", "symbol", "minutes"),
    [
        pytest.param("ETH-BTC-5m.csv", {}, "ETH/BTC", 5, id="from the name"),
        pytest.param("ETH_BTC-5m.csv", {}, "ETH/BTC", 5, id="from a name with an underscore"),
        pytest.param("1INCH-USDT-1h.csv", {}, "1INCH/USDT", 60, id="from a name with digits"),
        pytest.param("ETH-BTC-5m.csv", {"symbol": "ETH/EUR"}, "ETH/EUR", 5, id="the symbol given goes first"),
        pytest.param("ETH-BTC-5m.csv", {"timeframe": "1m"}, "ETH/BTC", 1, id="the timeframe given goes first"),
        pytest.param("a.csv", {"symbol": "X/Y", "timeframe": "2m"}, "X/Y", 2, id="both given, any name will do"),
    ],
)
def test_symbol_and_timeframe(file, name, given, symbol, minutes):
    read = read_candles(file(HEADER, FIRST, name=name), **given)
    assert (read.symbol, read.timeframe_ns) == (symbol, minutes * MINUTE_NS)
    assert {(c.symbol, c.timeframe_ns) for c in read.candles} == {(symbol, minutes * MINUTE_NS)}


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        pytest.param("candles.csv", {}, "must be named like ETH-BTC-5m.csv, or be given --symbol", id="no symbol"),
        pytest.param("ETH-BTC.csv", {"symbol": "ETH/BTC"}, "--timeframe", id="no timeframe"),
        pytest.param("ETH-BTC-1M.csv", {}, "such as 10s, 5m or 1h, was '1M'", id="a month"),
        pytest.param("ETH-BTC-5m.csv", {"symbol": "ETHBTC"}, "such as ETH/BTC, was 'ETHBTC'", id="no unified symbol"),
    ],
)
def test_a_file_of_unknown_symbol_or_timeframe_is_an_error(file, name, given, message):
    with pytest.raises(SettingsError, match=message) as caught:
        read_candles(file(HEADER, FIRST, name=name), **given)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1700000100000,10,12,9,11", "volume is missing; the line must have as many fields as the header"),
        ("1700000100000,10,12,nine,11,5", "low must be a number above 0, was 'nine'"),
        ("1700000100000,nan,12,9,11,5", "open must be a number above 0, was nan"),
        ("1700000100000,10,inf,9,11,5", "high must be a number above 0, was inf"),
        ("1700000100000,10,12,9,11,nan", "volume must be a number of 0 or more, was nan"),
        ("1700000100000,10,12,9,11,inf", "volume must be a number of 0 or more, was inf"),
        ("1700000100000,10,12,9,11,-1", "volume must be a number of 0 or more, was -1"),
        ("1700000100000,10,12,9,11,", "volume must be a number of 0 or more, was ''"),
        ("1700000100000,-10,12,9,11,5", "open must be a number above 0, was -10"),
        ("1700000100000,10,12,0,11,5", "low must be a number above 0, was 0"),
        ("1700000100000,10,9,12,11,5", "high must not be below low, was 9 with low 12"),
        ("1700000100000,10,12,9,12.5,5", "open and close must be within low and high, were 10 and 12.5 within 9 to 12"),
        ("1700000100000,8,12,9,11,5", "open and close must be within low and high, were 8 and 11 within 9 to 12"),
        ("2023-11-14,10,12,9,11,5", "timestamp must be whole milliseconds since 1970, was '2023-11-14'"),
        ("1700000100000000,10,12,9,11,5", "timestamp must be milliseconds since 1970, was 1700000100000000"),
        ("-1,10,12,9,11,5", "timestamp must be milliseconds since 1970, was -1"),
        (
            "1700000040000,10,12,9,11,5",
            "60000 ms after the line before, 1700000100000 or later, was 1700000040000; sort",
        ),
        ("1600000000000,10,12,9,11,5", "1700000100000 or later, was 1600000000000; sort the file, remove duplicates"),
        ("1700000099999,10,12,9,11,5", "1700000100000 or later, was 1700000099999"),
    ],
)
def test_a_line_that_is_no_candle_is_an_error_that_names_it(file, line, message):
    path = file(HEADER, FIRST, line, "1800000000000,10,12,9,11,5")
    with pytest.raises(SettingsError) as caught:
        read_candles(path)
    assert str(caught.value).startswith(f"{path} line 3: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "line 1: column timestamp is missing; the header must name it, found nothing", id="empty"),
        pytest.param(
            HEADER.encode(), "has no candles: it needs at least one line below its header", id="only a header"
        ),
        pytest.param(FIRST.encode(), "column timestamp is missing; .* found 1700000040000, 10", id="no header"),
        pytest.param(b"timestamp,open,high,low,close\n1,2,3,4,5", "column volume is missing", id="a column missing"),
        pytest.param(b"\xff\xfe" * 9, "is not a CSV file in UTF-8", id="bytes that are no text"),
        pytest.param(b"a" * 200_000, "is not a CSV file in UTF-8: field larger", id="a line without end"),
    ],
)
def test_a_file_that_is_no_recording_is_an_error(tmp_path, content, message):
    path = tmp_path / "ETH-BTC-1m.csv"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as caught:
        read_candles(path)
    assert str(path) in str(caught.value)


def lines_of(count):
    return [f"{at * 60_000},{at}.25,{at + 2},{at}.125,{at + 1},{at}e-3" for at in range(1, count + 1)]


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 2500])
@pytest.mark.parametrize("other", ["quoted", "blank before", "signed", "with a field more"])
def test_lines_in_another_notation_are_read_among_plain_ones_as_those(file, count, other):
    plain = lines_of(count)
    for at in {0, count // 2, count - 1}:
        mixed = list(plain)
        mixed[at] = {
            "quoted": ",".join(f'"{field}"' for field in plain[at].split(",")),
            "blank before": "\n" + plain[at],
            "signed": ",".join(f"+{field}" for field in plain[at].split(",")),
            "with a field more": plain[at] + ",more",
        }[other]
        read = read_candles(file(HEADER, *mixed)).candles
        assert read == read_candles(file(HEADER, *plain)).candles
    assert [candle.close for candle in read] == [float(at + 1) for at in range(1, count + 1)]
    assert read[-1] == Candle(
        "ETH/BTC", count * MINUTE_NS, MINUTE_NS, count + 0.25, count + 2, count + 0.125, count + 1, count / 1000
    )


@pytest.mark.parametrize("at", [2, 1024, 1025, 1026, 2048, 2049, 3000])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("{at},10,12,9,11", "volume is missing"),
        ("{at},10,12,9,11,5],[{then},10,12,9,11,5", "volume must be a number of 0 or more, was '5]'"),
        ("60000,10,12,9,11,5", "was 60000; sort the file"),
        ("{at},10,12,9,13,5", "open and close must be within low and high"),
        ("{at},10,1e999,9,11,5", "high must be a number above 0, was 1e999"),
        ("{at}.0,10,12,9,11,5", "timestamp must be whole milliseconds"),
        ("null,10,12,9,11,5", "timestamp must be whole milliseconds"),
    ],
)
def test_a_wrong_line_is_named_wherever_it_is(file, at, wrong, message):
    lines = lines_of(3000)
    lines[at - 1] = wrong.format(at=at * 60_000, then=at * 60_000 + 60_000)
    for blank in (0, 2):  # blank lines count, too
        with pytest.raises(SettingsError) as caught:
            read_candles(file(HEADER, *blank * [""], *lines))
        assert f" line {at + 1 + blank}: " in str(caught.value)
        assert message in str(caught.value)


def test_gaps_between_candles_are_fine(file):
    assert len(read_candles(file(HEADER, FIRST, "1800000000000,10,12,9,11,5")).candles) == 2


def test_a_file_that_cannot_be_opened_is_an_error_at_once(tmp_path):
    missing, directory = tmp_path / "ETH-BTC-5m.csv", tmp_path / "LTC-BTC-5m.csv"
    directory.mkdir()
    with pytest.raises(SettingsError, match=r"ETH-BTC-5m.csv cannot be read: No such file"):
        read_candles(missing)
    with pytest.raises(SettingsError, match=r"LTC-BTC-5m.csv cannot be read: Is a directory"):
        read_candles(directory)


def test_candles_of_several_files_come_as_they_close_and_then_by_symbol(file):
    merged = merge_candles(
        [
            recording(file, "LTC/BTC", 0, 1, 7),
            recording(file, "ETH/BTC", 0, 1, 2),
            recording(file, "XRP/BTC", 0, 5, minutes=5),
        ]
    )
    assert [(c.closed_at_ns // MINUTE_NS, c.symbol) for c in merged] == [
        (1, "ETH/BTC"),
        (1, "LTC/BTC"),
        (2, "ETH/BTC"),
        (2, "LTC/BTC"),
        (3, "ETH/BTC"),
        (5, "XRP/BTC"),
        (8, "LTC/BTC"),
        (10, "XRP/BTC"),
    ]


def test_the_order_in_which_files_are_given_does_not_matter(file):
    files = [recording(file, symbol, 0, 1, 2) for symbol in ("C/X", "A/X", "B/X")]
    assert list(merge_candles(files)) == list(merge_candles(reversed(files)))


def test_parts_of_one_recording_follow_each_other(file):
    later, earlier = recording(file, "ETH/BTC", 2, 3), recording(file, "ETH/BTC", 0, 1)
    assert [c.opened_at_ns // MINUTE_NS for c in merge_candles([later, earlier])] == [0, 1, 2, 3]


def test_recordings_of_the_same_time_are_an_error_unless_symbol_or_timeframe_differ(file):
    one = recording(file, "ETH/BTC", 0, 1)
    with pytest.raises(SettingsError, match="overlap: leave out one of them"):
        merge_candles([one, recording(file, "ETH/BTC", 1, 2)])
    assert len(list(merge_candles([one, recording(file, "ETH/BTC", 0, 5, minutes=5), recording(file, "X/Y", 0)]))) == 5


def test_nothing_merged_is_nothing():
    assert list(merge_candles([])) == []


@pytest.mark.parametrize(
    ("name", "symbol", "minutes", "count"),
    [
        ("ETH-BTC-5m.csv", "ETH/BTC", 5, 5_760),
        ("LTC-BTC-5m.csv", "LTC/BTC", 5, 5_760),
        ("XRP-ETH-1m.csv", "XRP/ETH", 1, 2_469),
        ("XRP-USDT-5m.csv", "XRP/USDT", 5, 1_999),
    ],
)
def test_candles_of_a_real_exchange(name, symbol, minutes, count):
    path = SHARED_CANDLES / name
    if not path.exists():
        pytest.skip(f"needs the recorded candles {name} in {SHARED_CANDLES}, which are no part of the project")
    read = read_candles(path)
    assert (read.symbol, read.timeframe_ns, len(read.candles)) == (symbol, minutes * MINUTE_NS, count)
