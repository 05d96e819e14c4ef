"""The generated recordings in `samples/generated`: `python -m tidegate.market.samples` writes them again."""

from __future__ import annotations

from pathlib import Path

from tidegate.market.recordings import write_candles
from tidegate.market.simulated import SimulatedMarket

__all__ = ["FOLDER", "generate"]

FOLDER = Path(__file__).parents[2] / "samples" / "generated"
_SEED = 7
_FIVE_MINUTES_NS = 300_000_000_000
_TWO_DAYS = 2 * 288
_END_NS = 1_515_715_200_000_000_000  # 2018-01-12T00:00:00Z


def generate(folder: Path) -> None:
    """Write every recording into a folder, which is made where it is not there: the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    candles = SimulatedMarket(_SEED).history("ETH/BTC", _FIVE_MINUTES_NS, _TWO_DAYS, _END_NS)
    write_candles(folder / "ETH-BTC-5m.csv", candles)


if __name__ == "__main__":
    generate(FOLDER)
