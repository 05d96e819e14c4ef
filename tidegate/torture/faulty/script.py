"""A script: which signals come, and everything that goes wrong. Drawn from a seed, or written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from tidegate.domain.signal import OrderType, Side
from tidegate.torture.faulty.fault import VenueFault

__all__ = ["FeesIn", "Lag", "Planned", "Script"]


class FeesIn(StrEnum):
    """In which currency exchanges take their fees."""

    QUOTE = "quote"
    RECEIVED = "received"
    """What the trade brings in: the base currency when buying, the quote currency when selling."""
    COIN = "coin"
    """A coin of the exchange's own, for as long as the account has some; after that what the trade brings in."""


class Lag(Struct, frozen=True):
    """How late a venue may be, and what it says of that.

    A request is refused where it arrives more than `fence_s` after it left; None is no such fence. An order may stay
    hidden from lookups for `hidden_max_s`, and a trade from everything but balances for `trades_s`. `window_s` and
    `proves` are the settlement that the venue declares.
    """

    fence_s: float | None = 5.0
    hidden_max_s: float = 8.0
    window_s: float = 30.0
    proves: bool = True
    trades_s: float = 0.0

    @property
    def is_as_declared(self) -> bool:
        """Whether nothing turns up after a settle window that is said to prove something."""
        return not self.proves or (self.fence_s is not None and self.fence_s + self.hidden_max_s < self.window_s)

    def __str__(self) -> str:
        fence = "are taken at any time" if self.fence_s is None else f"are refused after {self.fence_s:g} s"
        proof = "proves" if self.proves else "does not prove"
        trades = f", trades for {self.trades_s:g} s" if self.trades_s else ""
        return (
            f"requests {fence}, orders may be hidden for {self.hidden_max_s:g} s{trades}; "
            f"not found after {self.window_s:g} s {proof} that there is none"
        )


class Planned(Struct, frozen=True):
    """A signal that is sent `at_s` seconds after the beginning, under a key of its own.

    `price` and `quantity` are in parts of the price at which its symbol begins, and of the usual amount. With `stamped`
    it carries the moment at which it was made, and no key.
    """

    key: str
    at_s: float
    symbol: str
    side: Side
    price: float | None = None
    quantity: float | None = None
    order_type: OrderType | None = None
    stamped: bool = False

    def __str__(self) -> str:
        said = [f"{self.key}: {self.side} {self.symbol} after {self.at_s:g} s"]
        said += [f"at {self.price:g} of the price"] if self.price is not None else []
        said += [f"{self.quantity:g} of the amount"] if self.quantity is not None else []
        said += [str(self.order_type)] if self.order_type is not None else []
        said += ["stamped"] if self.stamped else []
        return ", ".join(said)


class Script(Struct, frozen=True, kw_only=True):
    """Everything that happens in one world, beside what the pipeline does.

    With `power_cut`, a crash loses what was not synced to disk; without, it kills the process only.
    Without `pushes` no venue ever pushes an order update. All accounts together may send
    `orders_per_10s`, and hold `positions_max` symbols at once; 0 is no such bound. With `images` an image of the state
    goes along with every commit.
    """

    signals: Sequence[Planned]
    venue_faults: Sequence[VenueFault] = ()
    lag: Lag = Lag()
    power_cut: bool = False
    fees_in: FeesIn = FeesIn.QUOTE
    pushes: bool = True
    orders_per_10s: int = 0
    positions_max: int = 0
    images: bool = False

    def __str__(self) -> str:
        return "\n".join([*map(str, self.signals), *map(str, self.venue_faults), str(self.lag), *self._others()])

    def _others(self) -> Iterator[str]:
        if self.fees_in is not FeesIn.QUOTE:
            what = "an own coin" if self.fees_in is FeesIn.COIN else "what a trade brings in"
            yield f"fees are taken in {what}"
        if not self.pushes:
            yield "venues say nothing by themselves"
        if self.orders_per_10s:
            yield f"{self.orders_per_10s} orders in 10 s are taken from one address"
        if self.positions_max:
            yield f"{self.positions_max} open positions are allowed"
        if self.images:
            yield "an image of the state goes along with every commit"
        yield "a crash cuts the power" if self.power_cut else "a crash kills the process"
