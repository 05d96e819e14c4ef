"""Paper venues, as the settings have them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from streams.market import Markets
from streams.state import State
from tidegate.domain.account import Account
from tidegate.domain.market import MarketRules
from tidegate.settings.traders import TraderSettings
from tidegate.venues.paper.rules import paper_rules
from tidegate.venues.paper.venue import PaperVenue

__all__ = ["paper_venue"]


def paper_venue(trader: TraderSettings, state: State, markets: Markets, known: Mapping[str, MarketRules]) -> PaperVenue:
    """The venue of one trader, its account as folded from the journal, and the rules of real markets where `known`."""

    def middle(symbol: str) -> Decimal | None:
        quote = markets.quotes.get(symbol)
        return (quote.bid + quote.ask) / 2 if quote else None

    derived = paper_rules(overrides=known, maker_fee=trader.fees.maker, taker_fee=trader.fees.taker, reference=middle)

    kept: dict[str, MarketRules] = {}

    def rules(symbol: str) -> MarketRules | None:
        found = kept.get(symbol)
        if found is None and (market := derived(symbol)) is not None:
            found = kept[symbol] = replace(market, **_other_rules(trader, symbol))
        return found

    own = Account.from_image(state.book.account(trader.id).image())
    acknowledged = state.acknowledged(trader.id)
    return PaperVenue(trader.id, own, rules, orders=acknowledged, participation=trader.participation)


def _other_rules(trader: TraderSettings, symbol: str) -> Mapping[str, Decimal]:
    market = trader.markets.get(symbol)
    return market.model_dump(exclude_none=True) if market else {}
