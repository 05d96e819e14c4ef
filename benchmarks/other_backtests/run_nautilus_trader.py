"""The cross of EMA 12 and 26 in nautilus_trader's backtest, over a folder of candles. Runs where that is installed."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy

_VENUE = Venue("SIM")


class CrossConfig(StrategyConfig, frozen=True):
    """What is traded, on which bars."""

    instrument_id: InstrumentId
    bar_type: BarType
    notional: int


class Cross(Strategy):
    """Buys for a fixed sum when the fast average crosses above the slow one, and sells it all when it crosses below."""

    def __init__(self, config: CrossConfig) -> None:
        super().__init__(config)
        self.fast, self.slow = ExponentialMovingAverage(12), ExponentialMovingAverage(26)
        self.above: bool | None = None

    def on_start(self) -> None:
        """Follow the bars."""
        self.instrument = self.cache.instrument(self.config.instrument_id)
        self.register_indicator_for_bars(self.config.bar_type, self.fast)
        self.register_indicator_for_bars(self.config.bar_type, self.slow)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        """Trade at a cross."""
        if not self.indicators_initialized():
            return
        above, before = self.fast.value > self.slow.value, self.above
        self.above = above
        if before is None or above is before:
            return
        flat = self.portfolio.is_flat(self.config.instrument_id)
        if above and flat:
            amount = self.instrument.make_qty(self.config.notional / bar.close.as_double())
            self.submit_order(self.order_factory.market(self.config.instrument_id, OrderSide.BUY, amount))
        elif not above and not flat:
            self.close_all_positions(self.config.instrument_id)


def main(folder: Path) -> None:
    """Replay the candles, and print how many orders were filled."""
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(_VENUE, OmsType.NETTING, AccountType.CASH, starting_balances=[Money(1_000_000, USDT)])
    for path in sorted(folder.glob("*.csv")):
        base = path.name.partition("-")[0]
        instrument = _instrument(base)
        bar_type = BarType.from_str(f"{instrument.id}-5-MINUTE-LAST-EXTERNAL")
        engine.add_instrument(instrument)
        engine.add_data(BarDataWrangler(bar_type, instrument).process(_bars(path)))
        config = CrossConfig(instrument_id=instrument.id, bar_type=bar_type, notional=100, order_id_tag=base)
        engine.add_strategy(Cross(config))
    engine.run()
    print(sum(order.is_closed and bool(order.filled_qty) for order in engine.cache.orders()))  # noqa: T201


def _instrument(base: str) -> CurrencyPair:
    symbol = Symbol(f"{base}USDT")
    return CurrencyPair(
        instrument_id=InstrumentId(symbol, _VENUE),
        raw_symbol=symbol,
        base_currency=Currency.from_str(base, strict=False),
        quote_currency=USDT,
        price_precision=4,
        size_precision=6,
        price_increment=Price.from_str("0.0001"),
        size_increment=Quantity.from_str("0.000001"),
        ts_event=0,
        ts_init=0,
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )


def _bars(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path)
    frame.index = pd.to_datetime(frame.pop("timestamp") + 300_000, unit="ms", utc=True)  # when it closed
    return frame


if __name__ == "__main__":
    main(Path(sys.argv[1]))
