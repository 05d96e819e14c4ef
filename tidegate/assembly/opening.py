"""Opening everything a pipeline in the present needs: journal, venues, market."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from streams.engine import Engine
from streams.market import MarketFeed
from streams.state import State
from tidegate.assembly.composition import AS_CONFIGURED, Composition
from tidegate.assembly.engine import assemble, strategy_specs
from tidegate.clock import Clock
from tidegate.domain.errors import SettingsError
from tidegate.domain.events import Body
from tidegate.domain.incident import IncidentKind
from tidegate.domain.ports import Item, Venue
from tidegate.journal import WritableJournal, write_journal
from tidegate.market.feeds import Playback, played_world, simulated_world
from tidegate.market.recordings import content_of
from tidegate.settings import Settings

__all__ = ["open_live", "world_identity"]


async def open_live(
    settings: Settings,
    clock: Clock,
    *,
    playback: Playback | None = None,
    patient: bool = False,
    own: Composition = AS_CONFIGURED,
) -> tuple[Engine, MarketFeed]:
    """The journal of the settings opened, a pipeline over it, and its market: recordings where they are given.

    In live mode, and where the market is that of an exchange, the exchanges are connected first. With `patient`, one
    that does not answer is asked again until it does. `own` is what a program composes into the pipeline.

    Raises:
        SettingsError: a recording, a strategy, an exchange or a key cannot be used.
        VenueUnavailable: an exchange does not answer.
        JournalRefused: the journal must not be written, or is that of another market.
    """
    strategy_specs(settings)
    if settings.mode == "live" or (settings.market.source == "ccxt" and playback is None):
        return await _open_real(settings, clock, patient=patient, own=own)
    world = _simulated(settings, clock) if playback is None else _played(settings, clock, playback)
    journal = _journal(settings, playback)
    try:
        return await assemble(settings, journal, clock, world.symbols, own=own), world
    except BaseException:
        journal.close()
        raise


async def _open_real(settings: Settings, clock: Clock, *, patient: bool, own: Composition) -> tuple[Engine, MarketFeed]:
    from tidegate.assembly.real import RealVenues  # ccxt takes half a second to import, and is an extra

    journal = _journal(settings, None)

    async def record(body: Body) -> None:
        await journal.commit([Item(clock.wall_ns(), (body,))], {})

    real = RealVenues(settings, clock, environ=os.environ, record=record)
    try:
        world = await real.open(banned=State.of(journal).banned, patient=patient)
        venues: Sequence[Venue] | None = real.venues if settings.mode == "live" else None
        engine = await assemble(
            settings,
            journal,
            clock,
            world.symbols,
            venues=venues,
            close_venues=[real.close],
            known_rules=real.rules(),
            paces=real.paces if settings.mode == "live" else {},
            priced_on=real.priced_on,
            own=own,
        )
    except BaseException:
        await real.close()
        journal.close()
        raise
    real.report_to(partial(engine.fault, IncidentKind.FEED_FAILED), engine.record)
    return engine, world


def _journal(settings: Settings, playback: Playback | None) -> WritableJournal:
    return write_journal(
        settings.journal.url,
        mode=settings.mode,
        synchronous=settings.journal.synchronous,
        world=world_identity(settings, playback),
    )


def world_identity(settings: Settings, playback: Playback | None) -> str | None:
    """Whose prices decide, by what no restart may change; a live account has no other world than its own.

    Of the simulated market that is the seed alone: a symbol's prices do not depend on which others are followed.
    """
    if settings.mode == "live":
        return None
    if playback is not None:
        return f"recorded candles {content_of(playback.files)}"
    if settings.market.source == "ccxt":
        return f"prices of {settings.traders[0].exchange}"
    return f"simulated market, seed {settings.market.seed}"


def _played(settings: Settings, clock: Clock, playback: Playback) -> MarketFeed:
    spread_bps = settings.traders[0].spread_bps
    return played_world(playback, history=settings.market.history, spread_bps=spread_bps, clock=clock)


def _simulated(settings: Settings, clock: Clock) -> MarketFeed:
    if settings.market.source == "csv":
        raise SettingsError("market.source is csv: name the recordings with --candles FILE.csv")
    return simulated_world(
        settings.symbols,
        settings.timeframe_ns,
        seed=settings.market.seed,
        history=settings.market.history,
        spread_bps=settings.traders[0].spread_bps,
        clock=clock,
    )
