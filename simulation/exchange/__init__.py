"""A local exchange, spoken to over HTTP by clients that take it for the real one; and the truth about its orders."""

from simulation.exchange.binance_limits import BinanceLimits
from simulation.exchange.bybit_limits import BybitLimits
from simulation.exchange.connecting import settings_for
from simulation.exchange.faults import Fault, Kind, Operation
from simulation.exchange.ledger import Ledger
from simulation.exchange.listing import Listing
from simulation.exchange.orders import Order, Status, Trade
from simulation.exchange.refusal import Refusal
from simulation.exchange.server import Exchange

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
