from decimal import Decimal

import pytest

from tidegate.settings import Settings

DEFAULTS = {
    "mode": "paper",
    "installation": "default",
    "timeframe": "10s",
    "signals.generation_interval_s": 10,
    "signals.min_candles": 5,
    "validation.min_signal_strength": 0.5,
    "validation.max_signal_age_ms": 5000,
    "validation.min_score": 0,
    "validation.weights.strength": 0.5,
    "validation.weights.confidence": 0.3,
    "validation.weights.freshness": 0.2,
    "validation.sources": None,
    "validation.checks": (),
    "validation.market.max_data_age_s": None,
    "dedup.window_s": 0,
    "dedup.max_keys": 100_000,
    "intake.capacity": 10_000,
    "intake.max_delay_ms": 1000,
    "intake.when_full": "turn_away",
    "intake.max_per_s": None,
    "execution.interval_s": 30,
    "execution.first_after_s": 10,
    "execution.signal_ttl_s": 120,
    "execution.urgent_score": None,
    "execution.supersede": True,
    "execution.order_creation_retries": 3,
    "execution.order_creation_retry_delay_ms": 500,
    "execution.max_retry_delay_ms": 30_000,
    "sizing.method": "fixed_notional",
    "sizing.notional": Decimal(100),
    "pricing.method": "best_opposite",
    "pricing.order_type": "limit",
    "limits.max_open_positions": 10,
    "limits.max_order_notional": Decimal(1000),
    "journal.url": "sqlite:///data/journal.db",
    "journal.synchronous": "full",
    "journal.group_max": 2048,
    "market.source": "simulated",
    "market.seed": 7,
    "market.history": 200,
    "logging.level": "INFO",
    "logging.json_file": "logs/tidegate.jsonl",
    "logging.rotation": "20 MB",
    "logging.retention": 5,
}


@pytest.mark.parametrize("dotted", DEFAULTS)
def test_the_documented_default_holds(dotted):
    value = Settings()
    for key in dotted.split("."):
        value = getattr(value, key)
    assert value == DEFAULTS[dotted]


def test_the_built_in_strategies_run_by_default():
    assert [strategy.name for strategy in Settings().signals.strategies] == ["ema_cross", "rsi_reversion", "breakout"]


def test_the_default_trader_is_a_paper_venue_with_balances_in_base_and_quote():
    (trader,) = Settings().traders
    assert (trader.id, trader.exchange, trader.after_unknown) == ("paper", "paper", "settle")
    assert {"USDT", "BTC", "ETH"} <= trader.balances.keys()


@pytest.mark.parametrize(
    ("timeframe", "nanoseconds"),
    [
        ("1s", 1_000_000_000),
        ("10s", 10_000_000_000),
        ("5m", 300_000_000_000),
        ("4h", 14_400_000_000_000),
        ("1d", 86_400_000_000_000),
        ("1w", 604_800_000_000_000),
    ],
)
def test_a_timeframe_is_a_length_in_nanoseconds(timeframe, nanoseconds):
    assert Settings(timeframe=timeframe).timeframe_ns == nanoseconds


@pytest.mark.parametrize(
    ("set_s", "then_s"),
    [pytest.param(None, 600, id="two timeframes where it is not set"), pytest.param(45, 45, id="what is set")],
)
def test_market_data_may_be_so_old(set_s, then_s):
    settings = Settings.model_validate({"timeframe": "5m", "validation": {"market": {"max_data_age_s": set_s}}})
    assert settings.max_market_data_age_s == then_s


@pytest.mark.parametrize(
    ("mode", "set_to", "then"),
    [
        pytest.param("paper", None, 1024, id="1024 on paper"),
        pytest.param("live", None, 16, id="16 live"),
        pytest.param("live", 3, 3, id="what is set"),
    ],
)
def test_so_many_orders_may_be_in_flight(mode, set_to, then):
    traders = [{"exchange": "kraken"}]
    given = {"mode": mode, "traders": traders, "execution": {"max_in_flight": set_to}}
    assert Settings.model_validate(given).max_in_flight == then


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Settings().execution.interval_s = 1


def test_the_defaults_of_one_are_not_the_defaults_of_another():
    Settings().traders[0].balances["USDT"] = Decimal(0)
    assert Settings.model_validate({"traders": [{}]}).traders[0].balances["USDT"] == 10_000
