"""A local exchange, spoken to over HTTP by clients that take it for the real one; and the truth about its orders."""

from tidegate.emulator.binance_limits import BinanceLimits
from tidegate.emulator.bybit_limits import BybitLimits
from tidegate.emulator.connecting import settings_for
from tidegate.emulator.faults import Fault, Kind, Operation
from tidegate.emulator.ledger import Ledger
from tidegate.emulator.listing import Listing
from tidegate.emulator.orders import Order, Status, Trade
from tidegate.emulator.refusal import Refusal
from tidegate.emulator.server import Exchange

__all__ = [
    "BinanceLimits",
    "BybitLimits",
    "Exchange",
    "Fault",
    "Kind",
    "Ledger",
    "Listing",
    "Operation",
    "Order",
    "Refusal",
    "Status",
    "Trade",
    "settings_for",
]
