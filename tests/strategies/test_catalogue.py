import pytest

from tidegate.domain.errors import SettingsError
from tidegate.domain.market import Candle
from tidegate.domain.signal import Side
from tidegate.strategies import BUILT_IN, Idea, load

CANDLE = Candle("BTC/USDT", 0, 60_000_000_000, 10.0, 10.0, 10.0, 10.0, 1.0)


@pytest.fixture
def module_of_the_user(tmp_path, monkeypatch):
    (tmp_path / "their_strategies.py").write_text(
        "from tidegate.domain.signal import Side\n"
        "from tidegate.strategies import Idea\n"
        "def every(n=2):\n"
        "    if n < 1: raise ValueError(f'n must be at least 1, was {n}')\n"
        "    seen = 0\n"
        "    def on_candle(candle):\n"
        "        nonlocal seen\n"
        "        seen += 1\n"
        "        return Idea(Side.BUY, 1.0) if seen % n == 0 else None\n"
        "    return on_candle\n"
        "def forgetful(): pass\n"
        "def clumsy(): return {}['nothing']\n"
        "number = 5\n"
    )
    (tmp_path / "their_broken_module.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_strategy_runs_with_its_defaults(name):
    assert load(name, {})()(CANDLE) is None


def test_parameters_reach_the_strategy():
    strategy = load("breakout", {"period": 1})()
    higher = Candle("BTC/USDT", 0, 60_000_000_000, 10.0, 12.0, 10.0, 12.0, 1.0)
    assert [strategy(CANDLE), strategy(higher).side] == [None, Side.BUY]


def test_parameters_changed_afterwards_do_not_matter():
    params = {"period": 1}
    fresh = load("breakout", params)
    params["period"] = 50
    strategy = fresh()
    higher = Candle("BTC/USDT", 0, 60_000_000_000, 10.0, 12.0, 10.0, 12.0, 1.0)
    assert [strategy(CANDLE), strategy(higher).side] == [None, Side.BUY]


def test_a_strategy_of_the_users_own(module_of_the_user):
    fresh = load("their_strategies:every", {"n": 3})
    first, second = fresh(), fresh()
    assert [first(CANDLE) for _ in range(4)] == [None, None, Idea(Side.BUY, 1.0), None]
    assert second(CANDLE) is None


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("ema_crss", {}, "strategy ema_crss is unknown; did you mean ema_cross?"),
        ("zzz", {}, "built in are breakout, ema_cross, rsi_reversion; your own is module:function"),
        ("ema_cross", {"fats": 3}, "unexpected keyword argument 'fats'; its parameters are: fast, slow"),
        ("ema_cross", {"fast": 30}, "strategy ema_cross with {'fast': 30}: fast must be below slow, was 30"),
        ("rsi_reversion", {"low": "30"}, "strategy rsi_reversion with {'low': '30'}: TypeError"),
        ("no_such_module:make", {}, "module 'no_such_module' cannot be imported: ModuleNotFoundError"),
        (":make", {}, "module '' cannot be imported"),
        ("their_broken_module:make", {}, "cannot be imported: ModuleNotFoundError: No module named 'a_module_that"),
        ("their_strategies:evry", {}, "module 'their_strategies' has no function 'evry'"),
        ("their_strategies:", {}, "has no function ''"),
        ("their_strategies:number", {}, "has no function 'number'"),
        ("their_strategies:every", {"n": 0}, "n must be at least 1, was 0"),
        ("their_strategies:every", {"m": 0}, "its parameters are: n"),
        ("their_strategies:clumsy", {}, "strategy their_strategies:clumsy with {}: KeyError: 'nothing'"),
        ("their_strategies:clumsy", {"m": 0}, "its parameters are: none"),
        ("their_strategies:forgetful", {}, "must give a function of a candle, gave None"),
    ],
)
def test_what_cannot_be_loaded_is_an_error_that_names_the_place(module_of_the_user, name, params, message):
    with pytest.raises(SettingsError) as caught:
        load(name, params)
    assert message in str(caught.value)
    assert name in str(caught.value)
