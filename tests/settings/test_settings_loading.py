import json
from contextlib import chdir
from decimal import Decimal

import pytest

from tidegate.domain.errors import SettingsError
from tidegate.settings import Settings, StrategySettings, load_settings


@pytest.fixture
def load(tmp_path):
    def load(content=None, *, environ=(), dotenv="", overrides=()):
        file = tmp_path / "settings.json"
        file.write_text(json.dumps(content or {}))
        (tmp_path / ".env").write_text(dotenv)
        return load_settings(file, environ=dict(environ), overrides=dict(overrides), dotenv=tmp_path / ".env")

    return load


INTERVAL = "TIDEGATE_EXECUTION__INTERVAL_S"


@pytest.mark.parametrize(
    ("sources", "then"),
    [
        pytest.param({}, 30, id="the default, where nobody sets it"),
        pytest.param({"content": {"execution": {"interval_s": 1}}}, 1, id="the file over the default"),
        pytest.param(
            {"content": {"execution": {"interval_s": 1}}, "dotenv": f"{INTERVAL}=2"}, 2, id=".env over the file"
        ),
        pytest.param({"dotenv": f"{INTERVAL}=2", "environ": {INTERVAL: "3"}}, 3, id="the environment over .env"),
        pytest.param(
            {"environ": {INTERVAL: "3"}, "overrides": {"execution.interval_s": "4"}}, 4, id="--set over the environment"
        ),
    ],
)
def test_the_nearest_source_wins(load, sources, then):
    assert load(**sources).execution.interval_s == then


def test_a_source_leaves_the_rest_of_a_section_alone(load):
    settings = load({"execution": {"signal_ttl_s": 99}}, environ={INTERVAL: "3"})
    assert (settings.execution.signal_ttl_s, settings.execution.interval_s) == (99, 3)


@pytest.mark.parametrize(
    ("dotted", "text", "read", "then"),
    [
        pytest.param("execution.supersede", "false", lambda s: s.execution.supersede, False, id="a switch"),
        pytest.param("sizing.notional", "12.50", lambda s: s.sizing.notional, Decimal("12.50"), id="an exact amount"),
        pytest.param("installation", "123", lambda s: s.installation, "123", id="a text of digits"),
        pytest.param("symbols", "A/B, C/D", lambda s: s.symbols, ("A/B", "C/D"), id="a list by commas"),
        pytest.param("symbols", '["A/B"]', lambda s: s.symbols, ("A/B",), id="a list in JSON"),
        pytest.param("signals.strategies", "", lambda s: s.signals.strategies, (), id="an empty list"),
        pytest.param("logging.json_file", "null", lambda s: s.logging.json_file, None, id="nothing at all"),
        pytest.param(
            "sizing.per_quote", '{"X": "1"}', lambda s: s.sizing.per_quote, {"X": Decimal(1)}, id="an object as a whole"
        ),
        pytest.param(
            "sizing.per_quote.BTC",
            "1",
            lambda s: s.sizing.per_quote,
            {"BTC": Decimal(1), "ETH": Decimal("0.05")},
            id="one key of an object",
        ),
        pytest.param("traders.0.spread_bps", "4", lambda s: s.traders[0].spread_bps, 4, id="a field of a list's entry"),
        pytest.param(
            "traders.0.balances.USDT", "4", lambda s: s.traders[0].balances["BTC"], Decimal("0.5"), id="a depth"
        ),
        pytest.param(
            "signals.strategies.0.params.fast",
            "3",
            lambda s: s.signals.strategies[0],
            StrategySettings(name="ema_cross", params={"fast": 3, "slow": 4}),
            id="a strategy's parameter, as a number",
        ),
        pytest.param(
            "signals.strategies.0.params.mode",
            "slow",
            lambda s: s.signals.strategies[0].params["mode"],
            "slow",
            id="a strategy's parameter, as a text",
        ),
    ],
)
def test_text_sets(load, dotted, text, read, then):
    assert read(load(overrides={dotted: text})) == then
    variable = "__".join(part.upper() if part.islower() else part for part in dotted.split("."))
    if ".params." not in dotted:
        assert read(load(environ={f"TIDEGATE_{variable}": text})) == then


def test_where_anything_may_stand_a_number_is_a_number(load):
    settings = load(overrides={"signals.strategies.0.params.fast": "4", "traders.0.ccxt.timeout": "500"})
    assert isinstance(settings.signals.strategies[0].params["fast"], int)
    assert settings.traders[0].ccxt == {"timeout": 500}


def test_dotenv_is_taken_literally(load):
    assert load(dotenv="TIDEGATE_INSTALLATION=a${HOME}b").installation == "a${HOME}b"


@pytest.mark.parametrize(
    "name",
    [
        "TIDEGATE_LOG",
        "TIDEGATE_ALLOW_LIVE",
        "TIDEGATE_SKIP_PERMISSION_CHECK",
        "TIDEGATE_TRADER_MAIN_API_KEY",
        "TIDEGATE_TRADER_MAIN_2_SECRET",
        "TIDEGATE_TRADER_MAIN_PASSWORD",
        "TIDEGATE_TRADER_MAIN_SECRET_FILE",
        "PATH",
    ],
)
def test_a_variable_that_is_no_setting_is_left_alone(load, name):
    assert load(environ={name: "x"}) == Settings()
    assert load(dotenv=f"{name}=x") == Settings()


def test_without_a_file_the_defaults_hold(tmp_path):
    with chdir(tmp_path):
        assert load_settings(environ={}) == Settings()


def test_without_a_path_the_file_in_this_folder_is_read(tmp_path):
    (tmp_path / "settings.json").write_text('{"installation": "here"}')
    (tmp_path / ".env").write_text("TIDEGATE_TIMEFRAME=1m")
    with chdir(tmp_path):
        settings = load_settings(environ={})
    assert (settings.installation, settings.timeframe) == ("here", "1m")


def test_a_schema_may_be_named_in_the_file(load):
    assert load({"$schema": "./settings.schema.json"}) == Settings()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param('{\n  "mode": paper\n}', "line 2, column 11", id="no JSON: its line and column are named"),
        pytest.param("[]", "must hold an object", id="no object"),
        pytest.param('{"dedup": {"window_s": NaN}}', "NaN is not JSON", id="NaN"),
        pytest.param('{"mode": "paper", "mode": "paper"}', "the key mode is given twice", id="a key twice"),
        pytest.param(b"\xff", "cannot be read", id="no text"),
        pytest.param(None, "No such file", id="no file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, message):
    file = tmp_path / "mine.json"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError, match=message) as raised:
        load_settings(file, environ={})
    assert str(file) in str(raised.value)
