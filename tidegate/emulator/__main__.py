"""An exchange in a process of its own: `python -m tidegate.emulator --dialect binance --port 0`."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from tidegate.emulator.binance_limits import BinanceLimits
from tidegate.emulator.bybit_limits import BybitLimits
from tidegate.emulator.control import truth_of
from tidegate.emulator.faults import Fault
from tidegate.emulator.server import LocalExchange

_LIMITS: Mapping[str, type[BinanceLimits] | type[BybitLimits]] = {"binance": BinanceLimits, "bybit": BybitLimits}


def main() -> None:
    """Serve until SIGINT or SIGTERM, then write the ledger. The address is printed first, as a JSON line."""
    parser = argparse.ArgumentParser(prog="python -m tidegate.emulator", description=__doc__)
    parser.add_argument("--dialect", choices=("binance", "bybit"), required=True)
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    parser.add_argument("--faults", type=Path, help="JSON list of faults")
    parser.add_argument("--seed", type=int, default=0, help="of faults with a probability")
    parser.add_argument("--lag", type=float, default=0.0, help="seconds until an order shows")
    parser.add_argument("--balances", type=Path, help='JSON object, {"USDT": "1000"}, of what each account has')
    parser.add_argument("--limits", action="store_true", help="take no more than the real exchange does, and say so")
    parser.add_argument("--orders", type=int, help="other limit than the exchange's own: in 10 s, or on bybit in 1 s")
    parser.add_argument("--tls", action="store_true", help="https, with a certificate of its own")
    parser.add_argument("--ledger", type=Path, help="write the truth there at the end")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(options: argparse.Namespace) -> None:
    script = msgspec.json.decode(options.faults.read_bytes(), type=list[Fault]) if options.faults else []
    balances = msgspec.json.decode(options.balances.read_bytes(), type=dict[str, Decimal]) if options.balances else None
    limits = None
    if options.limits or options.orders:
        kind = _LIMITS[options.dialect]
        limits = kind(orders=options.orders) if options.orders else kind()
    exchange = LocalExchange(
        options.dialect,
        faults=script,
        seed=options.seed,
        balances=balances,
        lag_s=options.lag,
        port=options.port,
        tls=options.tls,
        limits=limits,
    )
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with exchange:
        print(msgspec.json.encode({"address": exchange.address}).decode(), flush=True)  # noqa: T201
        await ended.wait()
    if options.ledger:
        options.ledger.write_bytes(truth_of(exchange))


if __name__ == "__main__":
    main()
