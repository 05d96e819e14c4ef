"""Everything around a tortured pipeline, over all its restarts: venues, market, sender, and timed faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

from streams.engine import Engine
from streams.state import State
from tidegate.clock import VirtualLoop
from tidegate.domain import events as e
from tidegate.domain.market import quote_of
from tidegate.domain.order import OrderUpdate
from tidegate.domain.reasons import Reason
from tidegate.torture.booking import agrees, bookings_of
from tidegate.torture.faulty.address import FaultyAddress
from tidegate.torture.faulty.exchange import COIN, COIN_PRICE, FaultyExchange
from tidegate.torture.faulty.fault import AT_A_TIME, VenueFault, VenueFaultKind
from tidegate.torture.faulty.fault_schedule import FaultSchedule
from tidegate.torture.faulty.journal import Disk
from tidegate.torture.faulty.market import QuietMarket
from tidegate.torture.faulty.points import OperationFailed, Points
from tidegate.torture.faulty.script import FeesIn, Script
from tidegate.torture.faulty.source import FaultySource
from tidegate.torture.faulty.venue import FaultyVenue
from tidegate.torture.faulty.world import FaultyWorld
from tidegate.torture.history import TortureHistory
from tidegate.torture.kept import Kept, kept_by
from tidegate.torture.setup import Setup, Stored

__all__ = ["START_NS", "Surroundings", "history_of"]

START_NS = 1_735_689_600_000_000_000

_ALERTS = (e.Parked, e.Reopened, e.Incident, e.Differed, e.Halted)
_AGAIN_S = 4.0
_GLITCH_S = 60.0
_COINS = Decimal("0.0004")
"""Pays the fees of two orders or three; what comes after them pays in another currency."""


class Surroundings:
    """A world with its script, made of the parts of a setup. `over_ns` is when the script is at its end.

    Memory: what the ledger and the sender remember.
    """

    def __init__(self, setup: Setup, script: Script, points: Points) -> None:
        self.script = script
        self.world = world = FaultyWorld(script, points, start_ns=START_NS)
        world.enter(VirtualLoop())
        self.disk = Disk()
        address = FaultyAddress(world)
        self.exchanges: dict[str, FaultyExchange] = {}
        self.venues: dict[str, FaultyVenue] = {}
        for name in setup.traders:
            fault_schedule = FaultSchedule(world, name)
            exchange = FaultyExchange(name, _funded(setup, script, name), setup.rules(name), world, fault_schedule)
            settles, raised = setup.settles(name), setup.raised
            self.exchanges[name] = exchange
            self.venues[name] = FaultyVenue(exchange, world, fault_schedule, address, settles=settles, raised=raised)
        used = dict.fromkeys(planned.symbol for planned in script.signals)
        self._market = QuietMarket(
            world,
            {symbol: setup.prices[symbol] for symbol in used},
            {symbol: setup.amounts[symbol] for symbol in used},
            steady=_coin_prices(script),
            seed=len(script.venue_faults),
        )
        self._market.open(*(exchange.on_quote for exchange in self.exchanges.values()))
        self.source = FaultySource(world, setup.source, setup.prices, setup.amounts)
        self.bounds = setup.bounds(script.positions_max)
        self._engine: Engine | None = None
        for venue_fault in script.venue_faults:
            if venue_fault.kind in AT_A_TIME:
                world.at(START_NS + int(venue_fault.at_s * 1e9), self._beginner(venue_fault))
        self.over_ns = START_NS + int(max(_ends_s(script)) * 1e9)

    def attach(self, engine: Engine) -> None:
        """Connect a pipeline that is about to start to the market, and schedule the operator's actions."""
        self._engine = engine
        self.world.believed = lambda: engine.parts.state.position
        engine.observe("alerts", self._alert)
        if self.script.images:
            engine.observe("images", lambda _: engine.parts.commits.take_image())
        self._market.listen(engine.parts.markets.follow)

    def let_signals_in(self, engine: Engine) -> None:
        """Let the sender know a pipeline that has started."""
        self.source.listen(lambda raw: engine.inbox.give((raw,)))

    def detach(self) -> None:
        """Nobody is there any more."""
        self._engine = None
        self.source.listen(None)
        self._market.listen(None)
        for venue in self.venues.values():
            venue.listen(_unheard)

    def halt(self, for_s: float) -> None:
        """A person halts the pipeline, if one runs, and lets it go on later."""
        self._order(e.Halted(reduce_only=False, why="a person says so"))
        self.world.after(for_s, lambda: self._order(e.Resumed()))

    def is_quiet(self, engine: Engine, journal: Stored) -> bool:
        """Whether nothing is to come any more, and the journal says of every order what its venue did.

        Where a venue is later than it says, that an order differs may be said instead: it was a second one.
        """
        taken = self.world.ledger.taken
        last_ns = max(self.over_ns, self.world.awaited_ns, max((order.shown_ns for order in taken), default=0))
        if not (engine.idle and self.source.done and self.world.now_ns() > last_ns):
            return False
        booked = {booking.order_id: booking for history in journal.histories() for booking in bookings_of(history)}
        differing = [order.request.client_order_id for order in taken if not agrees(order, booked)]
        if not self.script.lag.is_as_declared:
            placed = {order_id for order_id, booking in booked.items() if booking.status is not None}
            return placed.isdisjoint(differing) and _are_said(differing, journal)
        return not differing and self._balances_agree(engine) and self._accounts_are_open(engine)

    def _accounts_are_open(self, engine: Engine) -> bool:
        """Whether no account is kept closed because its books were not compared."""
        now_ns = self.world.clock.now_ns()
        why = (engine.parts.availability.check_trader(name, now_ns) for name in self.exchanges)
        return all(suspension is None or suspension.why.reason is not Reason.NOT_RECONCILED for suspension in why)

    def _balances_agree(self, engine: Engine) -> bool:
        accounts = engine.parts.state.book.accounts
        return all(
            name in accounts
            and exchange.books.totals() == {currency: b.total for currency, b in accounts[name].balances.items()}
            for name, exchange in self.exchanges.items()
        )

    def step_clock(self, seconds: float, for_s: float) -> None:
        """Set the machine's clock, and back later."""
        self.world.set_wall(seconds)
        self.world.await_after(for_s, lambda: self.world.set_wall(-seconds))

    def _beginner(self, venue_fault: VenueFault) -> Callable[[], None]:
        def begin() -> None:
            world = self.world
            world.struck[venue_fault.kind] += 1
            match venue_fault.kind:
                case VenueFaultKind.SUSPENDED:
                    world.suspend(venue_fault.seconds)
                case VenueFaultKind.WALL_STEPPED:
                    world.set_wall(venue_fault.seconds)
                case VenueFaultKind.WALL_GLITCH:
                    self.step_clock(venue_fault.seconds, _GLITCH_S)
                case VenueFaultKind.HALTED:
                    self.halt(venue_fault.seconds)
                case VenueFaultKind.COMPARED:
                    self._compare()
                case VenueFaultKind.THIN_BOOK | VenueFaultKind.GAP:
                    self._market.begin(venue_fault)
                case _:
                    self.venues[venue_fault.trader].begin(venue_fault)

        return begin

    def _compare(self) -> None:
        """An operator has the journal compared with the venues, at any moment."""
        engine = self._engine

        async def compare() -> None:
            if engine is not None and engine.reconciliations is not None:
                with suppress(OperationFailed):  # as planned
                    await engine.differences(apply=True)

        self.world.clock.run(compare, name="a person compares")

    def _order(self, body: e.Body) -> None:
        if self._engine is not None:
            self._engine.record(body)
        elif isinstance(body, e.Resumed):
            self.world.after(_AGAIN_S, lambda: self._order(body))

    def _alert(self, events: Sequence[e.Recorded]) -> None:
        if any(isinstance(event.body, _ALERTS) for event in events):
            self.world.points.reach("alert", can_fail=False)


def history_of(
    around: Surroundings, setup: Setup, journal: Stored, kept: Kept | None, *, in_time: bool, errors: Sequence[str] = ()
) -> TortureHistory:
    """What is known of a run."""
    world, source = around.world, around.source
    return TortureHistory(
        script=around.script,
        reached=world.points.reached,
        acted=world.points.acted,
        struck=world.struck,
        histories=list(journal.histories()),
        events=list(journal.read()),
        ledger=world.ledger,
        sent=source.sent,
        acknowledged=source.acknowledged,
        given=source.given,
        books={name: exchange.books for name, exchange in around.exchanges.items()},
        kept=kept,
        restored=kept_by(State.of(journal)),
        bounds=around.bounds,
        installation=setup.installation,
        wall_off=world.wall_off,
        in_time=in_time,
        errors=errors,
        secrets=setup.secrets,
        ended_ns=world.now_ns(),
    )


def _ends_s(script: Script) -> Iterator[float]:
    yield from (planned.at_s for planned in script.signals)
    for venue_fault in script.venue_faults:
        if venue_fault.kind is VenueFaultKind.WALL_GLITCH:
            yield venue_fault.at_s + _GLITCH_S
        elif venue_fault.kind in AT_A_TIME:
            yield venue_fault.at_s + (venue_fault.seconds if venue_fault.kind is not VenueFaultKind.WALL_STEPPED else 0)


def _funded(setup: Setup, script: Script, trader: str) -> Mapping[str, Decimal]:
    coins = {COIN: _COINS} if script.fees_in is FeesIn.COIN else {}
    return {**setup.funds(trader), **coins}


def _coin_prices(script: Script) -> Mapping[str, Decimal]:
    """The price of the exchanges' coin, in every other world that pays in it."""
    known = script.fees_in is FeesIn.COIN and script.pushes
    return {f"{COIN}/{quote_of(planned.symbol)}": Decimal(COIN_PRICE) for planned in script.signals} if known else {}


def _are_said(order_ids: Sequence[str], journal: Stored) -> bool:
    said = [event.body.text for event in journal.read() if isinstance(event.body, e.Incident | e.Differed)]
    return all(any(order_id in words for words in said) for order_id in order_ids)


def _unheard(_: OrderUpdate) -> None:
    pass
