import json
from pathlib import Path

import pytest

from tidegate.domain.errors import SettingsError
from tidegate.settings import load_settings

NOWHERE = Path("nowhere/.env")


@pytest.fixture
def complain(tmp_path):
    def complain(content, *, environ=(), overrides=()):
        file = tmp_path / "settings.json"
        file.write_text(json.dumps(content))
        with pytest.raises(SettingsError) as raised:
            load_settings(file, environ=dict(environ), overrides=dict(overrides), dotenv=NOWHERE)
        return str(raised.value).replace(str(file), "FILE").splitlines()

    return complain


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param(
            {"execution": {"interval_s": 60, "signal_ttl_s": 20}},
            "execution.signal_ttl_s (FILE): must be at least execution.interval_s (60), was 20: "
            "signals that expire between two executions could never be executed",
            id="a TTL under the execution interval",
        ),
        pytest.param(
            {"execution": {"interval_s": 121}},
            "execution.signal_ttl_s (FILE): must be at least execution.interval_s (121), was 120: "
            "signals that expire between two executions could never be executed",
            id="the default TTL under the execution interval",
        ),
        pytest.param(
            {"validation": {"weights": {"strength": 0, "confidence": 0, "freshness": 0}}},
            "validation.weights (FILE): must not all be 0: a score is their weighted mean",
            id="no weight at all",
        ),
        pytest.param(
            {"validation": {"weights": {"strength": -1}}},
            "validation.weights.strength (FILE): must be greater than or equal to 0, was -1",
            id="a negative weight",
        ),
        pytest.param(
            {"signals": {"min_candles": 4}},
            "signals.min_candles (FILE): must be greater than or equal to 5, was 4",
            id="too few candles",
        ),
        pytest.param(
            {"symbols": ["A/B", "A/B"]},
            "symbols (FILE): must name each symbol once: A/B occurs more than once",
            id="a symbol twice",
        ),
        pytest.param({"symbols": []}, "symbols (FILE): must name at least one symbol", id="no symbol"),
        pytest.param(
            {"symbols": ["BTCUSDT"]},
            "symbols.0 (FILE): must be a unified symbol, such as BTC/USDT, was 'BTCUSDT'",
            id="a symbol that is not unified",
        ),
        pytest.param(
            {"validation": {"checks": ["my_rules.refuse_unsure"]}},
            "validation.checks.0 (FILE): must be module:function, such as my_rules:refuse_unsure, "
            "was 'my_rules.refuse_unsure'",
            id="a check without its module",
        ),
        pytest.param(
            {"validation": {"checks": "my_rules:refuse_unsure"}},
            "validation.checks (FILE): must be a list",
            id="a check that is no list",
        ),
        pytest.param(
            {"timeframe": "10x"},
            "timeframe (FILE): must be a number and s, m, h, d or w, such as 10s, was '10x'",
            id="a timeframe of unknown unit",
        ),
        pytest.param(
            {"timeframe": "10s each"},
            "timeframe (FILE): must be a number and s, m, h, d or w, such as 10s, was '10s each'",
            id="a timeframe and more",
        ),
        pytest.param(
            {"signals": {"strategies": [{"name": "a"}, {"name": "b", "parms": {}}]}},
            "signals.strategies.1.parms (FILE): there is no such setting, did you mean signals.strategies.1.params?",
            id="a misspelled key in a list",
        ),
        pytest.param({"sizing": 5}, "sizing (FILE): must be an object", id="a number for a section"),
        pytest.param({"symbols": "A/B"}, "symbols (FILE): must be a list", id="a text for a list"),
        pytest.param(
            {"traders": [{"id": "Main"}]},
            "traders.0.id (FILE): must be lowercase letters, digits and -, such as paper-1, was 'Main'",
            id="a trader's id in capitals",
        ),
        pytest.param(
            {"traders": [{"exchange": "Kraken"}]},
            "traders.0.exchange (FILE): must be paper, or an exchange's name in ccxt, such as binance, was 'Kraken'",
            id="no exchange's name",
        ),
        pytest.param(
            {"traders": [{"id": "a"}, {"id": "b"}, {"id": "a"}]},
            "traders (FILE): must have an id each: a occurs more than once",
            id="two traders of one id",
        ),
        pytest.param({"traders": []}, "traders (FILE): must be at least one", id="no trader"),
        pytest.param(
            {"signals": {"strategies": [{"params": {}}]}},
            "signals.strategies.0.name (FILE): is missing",
            id="a strategy without a name",
        ),
        pytest.param(
            {"journal": {"url": "postgres://me:hunter2@host"}},
            "journal.url (FILE): must be a file, such as sqlite:///data/journal.db, was 'postgres://***@host'",
            id="another journal, its password not repeated",
        ),
        pytest.param(
            {"execution": {"intervall_s": 3}},
            "execution.intervall_s (FILE): there is no such setting, did you mean execution.interval_s?",
            id="a misspelled key",
        ),
        pytest.param(
            {"interval_s": 3},
            "interval_s (FILE): there is no such setting, did you mean execution.interval_s?",
            id="a key at the wrong place",
        ),
        pytest.param({"qqqq": 3}, "qqqq (FILE): there is no such setting", id="a key like no other"),
        pytest.param(
            {"mode": "live", "traders": [{"exchange": "kraken"}]},
            "mode (FILE): live trades with real money, and needs TIDEGATE_ALLOW_LIVE=1",
            id="live",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_its_cure(complain, content, line):
    assert complain(content) == ["one setting is wrong:", f"  {line}"]


def test_a_ttl_of_one_execution_interval_is_long_enough():
    overrides = {"execution.signal_ttl_s": "30", "execution.interval_s": "30"}
    settings = load_settings(environ={}, overrides=overrides, dotenv=NOWHERE)
    assert settings.execution.signal_ttl_s == 30


def test_live_is_allowed_by_1_and_nothing_else(complain):
    lines = complain({"mode": "live"}, environ={"TIDEGATE_ALLOW_LIVE": "0"})
    assert "needs TIDEGATE_ALLOW_LIVE=1" in lines[1]


def test_live_needs_a_real_exchange_for_every_trader(complain):
    traders = [{"id": "a", "exchange": "kraken"}, {"id": "b"}]
    lines = complain({"mode": "live", "traders": traders}, environ={"TIDEGATE_ALLOW_LIVE": "1"})
    assert lines[1:] == ["  traders (FILE): must name a real exchange each in live mode: b is on paper"]


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        pytest.param(
            {"TIDEGATE_EXECUTION_INTERVAL_S": "5"},
            "TIDEGATE_EXECUTION_INTERVAL_S: there is no such setting, did you mean TIDEGATE_EXECUTION__INTERVAL_S?",
            id="a misspelled variable",
        ),
        pytest.param(
            {"TIDEGATE_TRADER_MAIN_APIKEY": "hunter2"},
            "TIDEGATE_TRADER_MAIN_APIKEY: there is no such setting, did you mean TIDEGATE_TRADER_<ID>_API_KEY?",
            id="a misspelled key's variable",
        ),
        pytest.param(
            {"TIDEGATE_INTAKE": '{"secret": hunter2}'}, "intake (TIDEGATE_INTAKE): must be JSON", id="broken JSON"
        ),
        pytest.param(
            {"TIDEGATE_TRADERS__3__ID": "x"},
            "traders.3.id (TIDEGATE_TRADERS__3__ID): there is no such entry to change",
            id="an entry that is not there",
        ),
        pytest.param(
            {"TIDEGATE_DEDUP__WINDOW_S": "inf"},
            "dedup.window_s (TIDEGATE_DEDUP__WINDOW_S): must be a finite number, was 'inf'",
            id="an infinite number",
        ),
        pytest.param(
            {"TIDEGATE_MARKET__SEED": "x"},
            "market.seed (TIDEGATE_MARKET__SEED): must be a valid integer, "
            "unable to parse string as an integer, was 'x'",
            id="a value of the wrong type",
        ),
    ],
)
def test_a_wrong_variable_is_named(complain, environ, line):
    assert complain({}, environ=environ)[1:] == [f"  {line}"]


def test_a_wrong_override_is_named(complain):
    lines = complain({}, overrides={"traders.0.fees.makr": "0", "market.seed": "x"})
    assert lines[1] == "  traders.0.fees.makr (--set): there is no such setting, did you mean traders.0.fees.maker?"
    assert lines[2].startswith("  market.seed (--set): must be a valid integer")


def test_everything_wrong_is_said_at_once(complain):
    lines = complain(
        {"timeframe": "x", "mode": "live", "traders": [{"exchange": "kraken"}], "dedupe": {}},
        environ={"TIDEGATE_NOTHING": "1"},
        overrides={"market.seed": "x"},
    )
    assert lines[0] == "5 settings are wrong:"
    assert len(lines) == 6


SECRET = "hunter2"


@pytest.mark.parametrize(
    ("content", "path", "variable"),
    [
        pytest.param({"apiKey": SECRET}, "apiKey", "TIDEGATE_TRADER_<ID>_API_KEY", id="at the top"),
        pytest.param(
            {"traders": [{"id": "my-main", "apiKey": SECRET}]},
            "traders.0.apiKey",
            "TIDEGATE_TRADER_MY_MAIN_API_KEY",
            id="in a trader",
        ),
        pytest.param(
            {"traders": [{"ccxt": {"options": [{"private_key": SECRET}]}}]},
            "traders.0.ccxt.options.0.private_key",
            "TIDEGATE_TRADER_PAPER_SECRET",
            id="deep in the ccxt block",
        ),
        pytest.param(
            {"traders": [{"ccxt": {"password": {"of": SECRET}}}]},
            "traders.0.ccxt.password",
            "TIDEGATE_TRADER_PAPER_PASSWORD",
            id="within an object",
        ),
    ],
)
def test_a_secret_in_the_settings_is_refused_and_not_repeated(complain, content, path, variable):
    assert complain(content)[1:] == [
        f"  {path} (FILE): a secret must not be in settings, put it into .env or the environment as {variable}"
    ]


def test_a_secret_on_the_command_line_is_refused_too(complain):
    lines = complain({}, overrides={"traders.0.ccxt.secret": SECRET})
    assert lines[1].startswith("  traders.0.ccxt.secret (--set): a secret must not be in settings")
    assert SECRET not in "".join(lines)


@pytest.mark.parametrize(
    "content",
    [
        {"traders": [{"ccxt": SECRET}]},
        {"traders": [SECRET]},
        {"key": SECRET},
        {"validation": {"sauces": [SECRET]}},
        {"sizing": {"per_quote": {"BTC": {"x": SECRET}}}},
    ],
    ids=json.dumps,
)
def test_what_stands_where_it_does_not_belong_is_not_repeated(complain, content):
    assert SECRET not in "".join(complain(content))


@pytest.mark.parametrize("name", ["LIMITS__MAX_OPEN_POSITIONS", "ALLOW_LIVE", "TRADER_MAIN_API_KEY"])
def test_a_variable_with_the_prefix_of_an_older_version_is_named_and_not_passed_over(complain, name):
    lines = complain({}, environ={f"THROUGHLINE_{name}": "1"})
    assert lines[1] == f"  THROUGHLINE_{name}: rename it to TIDEGATE_{name}: the prefix has changed"


def test_a_variable_with_that_prefix_that_was_never_ours_is_left_alone():
    assert load_settings(environ={"THROUGHLINE_HOME": "/opt"}, dotenv=NOWHERE) == load_settings(
        environ={}, dotenv=NOWHERE
    )
