"""A local exchange, spoken to over HTTP by clients that take it for the real one; and the truth about its orders."""

from tidegate.emulator.binance_limits import BinanceLimits
from tidegate.emulator.bybit_limits import BybitLimits
from tidegate.emulator.connecting import settings_for
from tidegate.emulator.faults import Fault, FaultKind, Operation
from tidegate.emulator.ledger import VenueLedger
from tidegate.emulator.listing import ListedSymbol
from tidegate.emulator.orders import ExchangeOrder, Status, Trade
from tidegate.emulator.refusal import VenueRejection
from tidegate.emulator.server import LocalExchange

__all__ = [
    "BinanceLimits",
    "BybitLimits",
    "ExchangeOrder",
    "Fault",
    "FaultKind",
    "ListedSymbol",
    "LocalExchange",
    "Operation",
    "Status",
    "Trade",
    "VenueLedger",
    "VenueRejection",
    "settings_for",
]
