"""What is tortured: the pipeline of the settings, on journals that are thrown away, and on exchanges of its own."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import count
from pathlib import Path

from msgspec.structs import replace
from reactivex import Observable
from reactivex import operators as ops

from streams.engine import Engine
from tidegate.assembly.engine import assemble, generated
from tidegate.clock import Clock
from tidegate.domain.market import MarketRules, base_of, quote_of
from tidegate.domain.ports import Journal, Venue
from tidegate.domain.signal import Raw
from tidegate.journal import WritableJournal, url_of, write_journal
from tidegate.market.feeds import simulated_world
from tidegate.settings import Settings, TraderSettings, keys_of
from tidegate.torture.history import Bounds
from tidegate.venues.paper.rules import paper_rules

__all__ = ["TorturedSetup"]

_PRICE = Decimal(100)
_ORDERS = Decimal("1.6")
_NO_DUST = 5  # a fifth of what is usually bought is above every minimum
_TWIN = "twin"
_MODE = "torture"
_CANARY = "canary/4f1c+aa07=="  # a key that is looked for also where no account has one
_AT_RISK = 2  # commits that a power cut takes along where they are not durable
_ENDINGS = ("", "-wal", "-shm", ".lock")


class TorturedSetup:
    """The pipeline of `settings` as if it traded live, with their strategies if they are wanted.

    Each account can pay for one order and a half, so that it matters what is set aside; a single account gets a twin
    that orders can fall back to. Journals are files in `folder`. Satisfies `tidegate.torture.setup.Setup`.

    Raises:
        SettingsError: the keys of a trader are given in two ways.
    """

    def __init__(self, settings: Settings, folder: Path, *, strategies: bool = False) -> None:
        traders = settings.traders
        if len(traders) == 1:
            twin = traders[0].model_copy(update={"id": _TWIN, "priority": traders[0].priority - 1})
            traders = (*traders, twin)
        self._settings = settings.model_copy(update={"mode": "live", "traders": traders})
        self._folder, self._numbers, self._strategies = folder, count(), strategies
        self.symbols: Sequence[str] = settings.symbols
        self.source = next(iter(settings.validation.sources or ()), "torture")
        self.traders: Sequence[str] = [trader.id for trader in traders]
        self.prices: Mapping[str, Decimal] = dict.fromkeys(settings.symbols, _PRICE)
        self.amounts: Mapping[str, Decimal] = {symbol: self._notional(symbol) / _PRICE for symbol in settings.symbols}
        self.secrets: Sequence[str] = [
            *(secret for trader in traders for secret in keys_of(trader.id).values()),
            _CANARY,
        ]
        self.installation = settings.installation
        self._empty = _made(folder / "empty.db")

    def machine(self) -> _Machine:
        """A machine with nothing on it but an empty journal."""
        path = self._folder / f"{os.getpid()}-{next(self._numbers)}.db"
        return _Machine(path, self._settings.journal.synchronous, self._empty)

    def funds(self, trader: str) -> Mapping[str, Decimal]:  # noqa: ARG002 - all have the same
        """What an account has: its quote currency pays for little more than one order, and so much is there to sell."""
        funds: dict[str, Decimal] = {}
        for symbol in self.symbols:
            funds[quote_of(symbol)] = self._notional(symbol) * _ORDERS
        for symbol in self.symbols:
            funds[base_of(symbol)] = self.amounts[symbol] * _ORDERS
        return funds

    def rules(self, trader: str) -> Callable[[str], MarketRules | None]:
        """The rules of a paper market at the first price, and those of the settings."""
        settings = self._trader(trader)
        fees, known = settings.fees, dict[str, MarketRules | None]()
        rules = paper_rules(overrides={}, maker_fee=fees.maker, taker_fee=fees.taker, reference=self.prices.get)

        def of(symbol: str) -> MarketRules | None:
            if symbol not in known:
                found, other = rules(symbol), settings.markets.get(symbol)
                known[symbol] = replace(found, **other.model_dump(exclude_none=True)) if found and other else found
            return known[symbol]

        return of

    def raised(self, text: str) -> str:
        """An error in the words of ccxt, with the keys of every account, as our adapter of it lets it through."""
        from tidegate.venues.ccxt.redaction import redact

        keys = "&".join(f"apiKey={secret}&signature={secret}" for secret in self.secrets)
        return redact(f"{text}: binance POST https://127.0.0.1/order?{keys} {' '.join(self.secrets)}", self.secrets)

    def bounds(self, positions_max: int) -> Bounds:
        """The limits of the settings, but for the open positions where so many are named."""
        limits, sizing = self._settings.limits, self._settings.sizing
        return Bounds(
            positions_max=positions_max or limits.max_open_positions,
            notional_max={
                symbol: limits.per_quote.get(quote_of(symbol), limits.max_order_notional) for symbol in self.symbols
            },
            no_dust={symbol: amount / _NO_DUST for symbol, amount in self.amounts.items()},
            attempts_max=self._settings.execution.order_creation_retries,
            sells_holdings=sizing.sell_holdings,
        )

    def settles(self, trader: str) -> bool:
        """Whether "not found" may be taken as proof on an account, where its venue allows that."""
        return self._trader(trader).after_unknown == "settle"

    async def engine(self, journal: Journal, clock: Clock, venues: Sequence[Venue], bounds: Bounds) -> Engine:
        """A pipeline, not started yet, that keeps within bounds."""
        limits = self._settings.limits.model_copy(update={"max_open_positions": bounds.positions_max})
        settings = self._settings.model_copy(update={"limits": limits})
        return await assemble(settings, journal, clock, frozenset(self.symbols), venues=venues)

    def signals(self, engine: Engine, clock: Clock, *, until_ns: int) -> Sequence[Observable[Raw]]:
        """What the strategies of the settings make of a simulated market, until a moment, where they are wanted."""
        if not self._strategies:
            return ()
        settings = self._settings
        world = simulated_world(
            settings.symbols,
            settings.timeframe_ns,
            seed=settings.market.seed,
            history=settings.market.history,
            spread_bps=settings.traders[0].spread_bps,
            clock=clock,
        )
        news = world.news.pipe(ops.take_while(lambda _: clock.now_ns() < until_ns))
        return (generated(engine, replace(world, news=news), settings, strategies=True),)

    def _trader(self, trader: str) -> TraderSettings:
        return next(known for known in self._settings.traders if known.id == trader)

    def _notional(self, symbol: str) -> Decimal:
        sizing = self._settings.sizing
        return sizing.per_quote.get(quote_of(symbol), sizing.notional)


def _made(path: Path) -> bytes:
    """A new journal, as the first start makes it: thousands of runs begin with a copy."""
    write_journal(url_of(str(path)), mode=_MODE).close()
    return path.read_bytes()


class _Machine:
    """A journal's file, on a disk that keeps what was synced."""

    def __init__(self, path: Path, synchronous: str, empty: bytes) -> None:
        self._path, self._synchronous = path, synchronous
        self._kept: deque[bytes] = deque(maxlen=_AT_RISK + 1)
        path.write_bytes(empty)

    def open(self) -> WritableJournal:
        """Open the journal, as a process does that starts."""
        self._journal = journal = write_journal(url_of(str(self._path)), mode=_MODE, synchronous=self._synchronous)
        self._forgets = not journal.is_durable
        self.committed()
        return journal

    def committed(self) -> None:
        """Keep a copy of the journal as it is now, where the next commits may not survive a power cut."""
        if self._forgets:
            self._kept.append(self._journal.copy())

    def cut_power(self) -> None:
        """Take along the last commits, where they were not made durable. The journal is not open."""
        if self._kept:
            self.scrap()
            self._path.write_bytes(self._kept[0])
            self._kept.clear()

    def scrap(self) -> None:
        """Throw the journal away."""
        for ending in _ENDINGS:
            with suppress(FileNotFoundError):
                os.unlink(f"{self._path}{ending}")  # noqa: PTH108 - thousands of times
