"""Paper venues, as the settings have them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from streams.market import Markets
from streams.state import State
from tidegate.domain.market import MarketRules
from tidegate.settings.traders import TraderSettings
from tidegate.venues.paper.rules import paper_rules
from tidegate.venues.paper.venue import PaperVenue

__all__ = ["paper_venue"]


def paper_venue(trader: TraderSettings, state: State, markets: Markets, known: Mapping[str, MarketRules]) -> PaperVenue:
    """The venue of one trader, over its account in the book, with the rules of real markets where they are `known`."""

    def middle(symbol: str) -> Decimal | None:
        quote = markets.quotes.get(symbol)
        return (quote.bid + quote.ask) / 2 if quote else None

    derived = paper_rules(overrides=known, maker_fee=trader.fees.maker, taker_fee=trader.fees.taker, reference=middle)

    def rules(symbol: str) -> MarketRules | None:
        market = derived(symbol)
        return None if market is None else replace(market, **_other_rules(trader, symbol))

    account, acknowledged = state.book.account(trader.id), state.acknowledged(trader.id)
    return PaperVenue(trader.id, account, rules, orders=acknowledged, participation=trader.participation)


def _other_rules(trader: TraderSettings, symbol: str) -> Mapping[str, Decimal]:
    market = trader.markets.get(symbol)
    return market.model_dump(exclude_none=True) if market else {}
