"""What an exchange trades, under which rules, and at which prices now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_DOWN, Decimal

from msgspec import Struct

from tidegate.domain.market import base_of, quote_of
from tidegate.domain.signal import Side
from tidegate.emulator.orders import NewOrder
from tidegate.emulator.refusal import VenueRejection

__all__ = ["ListedSymbol", "ListedSymbols", "usual_listings"]


class ListedSymbol(Struct, kw_only=True):
    """One symbol: price in whole `tick`s, amount in whole `lot`s and at least one, cost at least `min_notional`.

    `bid` and `ask` are the best prices now, in any depth; a limit farther than `farthest` times from them is refused.
    """

    symbol: str
    bid: Decimal
    ask: Decimal
    tick: Decimal = Decimal("0.01")
    lot: Decimal = Decimal("0.00001")
    min_notional: Decimal = Decimal(5)
    farthest: Decimal = Decimal(5)
    halted: bool = False

    @property
    def id(self) -> str:
        """The exchange's name of the symbol: `BTCUSDT` of `BTC/USDT`."""
        return self.symbol.replace("/", "")

    @property
    def base(self) -> str:
        """The currency that is traded."""
        return base_of(self.symbol)

    @property
    def quote(self) -> str:
        """The currency that is paid with."""
        return quote_of(self.symbol)

    def best(self, side: Side) -> Decimal:
        """What an order of that side meets: the ask when buying, the bid when selling."""
        return self.ask if side is Side.BUY else self.bid

    def reaches(self, side: Side, price: Decimal) -> bool:
        """Whether a limit of that side would trade at once."""
        return price >= self.ask if side is Side.BUY else price <= self.bid

    def round_down(self, amount: Decimal) -> Decimal:
        """The largest amount in whole lots that is not above `amount`."""
        return (amount / self.lot).to_integral_value(ROUND_DOWN) * self.lot

    def judge(self, asked: NewOrder, amount: Decimal, price: Decimal) -> VenueRejection | None:
        """Why an order does not fit the symbol's rules; None where it does."""
        best = self.best(asked.side)
        if self.halted:
            return VenueRejection.MARKET_CLOSED
        if amount <= 0 or amount % self.lot:
            return VenueRejection.LOT_SIZE
        if price <= 0 or price % self.tick:
            return VenueRejection.PRICE_FILTER
        if price > best * self.farthest or price * self.farthest < best:
            return VenueRejection.PERCENT_PRICE
        if amount * price < self.min_notional:
            return VenueRejection.NOTIONAL
        if asked.post_only and self.reaches(asked.side, price):
            return VenueRejection.POST_ONLY
        return None


class ListedSymbols:
    """All symbols of an exchange, by their unified names and by the exchange's own; also its fees, as fractions.

    Fees are in the currency received, unless there is a `fee_coin`: then all are in that, which costs `fee_coin_price`
    of every quote currency.
    """

    __slots__ = ("_by_id", "_by_symbol", "fee_coin", "fee_coin_price", "maker_fee", "taker_fee")

    def __init__(
        self,
        listings: Iterable[ListedSymbol],
        *,
        maker_fee: Decimal = Decimal("0.001"),
        taker_fee: Decimal = Decimal("0.001"),
        fee_coin: str | None = None,
        fee_coin_price: Decimal = Decimal(600),
    ) -> None:
        self.maker_fee = maker_fee
        self.taker_fee = taker_fee
        self.fee_coin, self.fee_coin_price = fee_coin, fee_coin_price
        self._by_symbol = {listing.symbol: listing for listing in listings}
        self._by_id = {listing.id: listing for listing in self._by_symbol.values()}

    def __iter__(self) -> Iterator[ListedSymbol]:
        return iter(self._by_symbol.values())

    def __getitem__(self, symbol: str) -> ListedSymbol:
        return self._by_symbol[symbol]

    def find(self, id: str) -> ListedSymbol | None:
        """The listing of `BTCUSDT`; None where there is none."""
        return self._by_id.get(id)

    @property
    def currencies(self) -> list[str]:
        """Every currency that is traded or paid with, sorted."""
        return sorted({coin for one in self._by_symbol.values() for coin in (one.base, one.quote)})


def usual_listings() -> list[ListedSymbol]:
    """A few symbols to start with, fresh each time, as their prices move."""
    return [
        ListedSymbol(symbol="BTC/USDT", bid=Decimal("59999.99"), ask=Decimal("60000.01")),
        ListedSymbol(symbol="ETH/USDT", bid=Decimal("2999.99"), ask=Decimal("3000.01"), lot=Decimal("0.0001")),
        ListedSymbol(symbol="SOL/USDT", bid=Decimal("149.99"), ask=Decimal("150.01"), lot=Decimal("0.001")),
        ListedSymbol(
            symbol="ETH/BTC",
            bid=Decimal("0.04999"),
            ask=Decimal("0.05001"),
            tick=Decimal("0.00001"),
            lot=Decimal("0.0001"),
            min_notional=Decimal("0.0001"),
        ),
    ]
