"""The cross of EMA 12 and 26 in freqtrade's backtest, over a folder of candles. Runs where that is installed.

Its exchange is asked for nothing: the markets are made up, and the candles come from files.
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from freqtrade.configuration import Configuration
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType, RunMode
from freqtrade.exchange import Exchange
from freqtrade.optimize.backtesting import Backtesting

_STRATEGY = """
import pandas as pd
from freqtrade.strategy import IStrategy


class Cross(IStrategy):
    timeframe = "5m"
    minimal_roi = {}
    stoploss = -0.99
    use_exit_signal = True
    startup_candle_count = 26

    def populate_indicators(self, dataframe, metadata):
        dataframe["fast"] = dataframe["close"].ewm(span=12, adjust=False).mean()
        dataframe["slow"] = dataframe["close"].ewm(span=26, adjust=False).mean()
        above = dataframe["fast"] > dataframe["slow"]
        before = above.shift(1, fill_value=False)
        dataframe["up"], dataframe["down"] = above & ~before, ~above & before
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["up"], "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["down"], "exit_long"] = 1
        return dataframe
"""


def main(folder: Path) -> None:
    """Replay the candles, and print how many orders were filled."""
    logging.disable(logging.CRITICAL)
    pairs = [f"{path.name.partition('-')[0]}/USDT" for path in sorted(folder.glob("*.csv"))]
    Exchange.reload_markets = lambda self, *_, **__: _know(self, pairs)
    Exchange.validate_config = lambda *_: None
    with TemporaryDirectory(dir=folder) as own:
        data = Path(own) / "data"
        data.mkdir()
        (Path(own) / "cross.py").write_text(_STRATEGY)
        handler = get_datahandler(data, "feather")
        for pair in pairs:
            handler.ohlcv_store(pair, "5m", _candles(folder / f"{pair.replace('/', '-')}-5m.csv"), CandleType.SPOT)
        (Path(own) / "config.json").write_text(json.dumps(_config(pairs)))
        options = {"config": [f"{own}/config.json"], "user_data_dir": own, "datadir": str(data), "strategy": "Cross"}
        options |= {"strategy_path": own, "export": "none", "fee": 0.001}
        backtesting = Backtesting(Configuration(options, RunMode.BACKTEST).get_config())
        with redirect_stdout(StringIO()):
            backtesting.start()
        print(2 * len(backtesting.all_bt_content["Cross"]["results"]))  # noqa: T201


def _config(pairs: list[str]) -> dict[str, object]:
    return {
        "stake_currency": "USDT",
        "stake_amount": 100,
        "dry_run": True,
        "dry_run_wallet": 1_000_000,
        "max_open_trades": len(pairs),
        "exchange": {"name": "binance", "pair_whitelist": pairs},
        "pairlists": [{"method": "StaticPairList"}],
        "entry_pricing": {"price_side": "same", "use_order_book": False},
        "exit_pricing": {"price_side": "same", "use_order_book": False},
    }


def _know(exchange: Exchange, pairs: list[str]) -> None:
    limits = {"amount": {"min": 0.000001, "max": None}, "cost": {"min": 1, "max": None}, "price": {}, "leverage": {}}
    exchange._markets = {  # noqa: SLF001 - nobody is asked for them
        pair: {
            "id": pair.replace("/", ""),
            "symbol": pair,
            "base": pair.partition("/")[0],
            "quote": "USDT",
            "active": True,
            "spot": True,
            "swap": False,
            "linear": None,
            "type": "spot",
            "contractSize": None,
            "precision": {"amount": 0.000001, "price": 0.0001},
            "limits": limits,
            "maker": 0.001,
            "taker": 0.001,
            "info": {},
        }
        for pair in pairs
    }


def _candles(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path).rename(columns={"timestamp": "date"})
    frame["date"] = pd.to_datetime(frame["date"], unit="ms", utc=True)
    return frame


if __name__ == "__main__":
    main(Path(sys.argv[1]))
