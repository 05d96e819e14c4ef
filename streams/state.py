"""What the journal adds up to: the outcome of every signal, and what every account holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from streams.folds import catch_up
from tidegate.domain import events as e
from tidegate.domain.account import Account
from tidegate.domain.book import Book
from tidegate.domain.errors import IllegalTransition
from tidegate.domain.lifecycle import FINAL, TRANSITIONS, Ledger, Outcome, advance
from tidegate.domain.market import Mark
from tidegate.domain.ports import Past

__all__ = ["SignalStatus", "State"]

_FORM = 2
_WITH_REASON = (e.Refused, e.Expired, e.Failed)


class SignalStatus(Struct, gc=False):
    """The outcome so far of a signal that is not done, and its order that is not over; changed in place."""

    outcome: Outcome
    signal_id: str
    trader: str = ""
    client_order_id: str = ""


class _StateImage(Struct):
    received: int
    redelivered: int
    turned_away: int
    outcomes: dict[str, int]
    reasons: dict[str, int]
    statuses: dict[int, SignalStatus]
    halted: e.Halted | None
    accounts: dict[str, msgspec.Raw]
    noticed: list[str] = []
    decided: list[str] = []
    banned: dict[str, int] = {}
    marks: dict[str, Mark] = {}
    form: int = 1
    rules: dict[str, int] = {}


class State:
    """The pipeline's own fold over committed events: the ledger, the book, the halt, and the status of every signal
    that is not done.

    Folding the whole journal, and an image plus the events behind it, give the same. An event that cannot follow the
    ones before it changes nothing: `illegal` says which, by the signal's id, until a halt names that signal.
    `noticed` are the orders because of which entries were halted, `decided` those that a person adopted or ignored,
    `banned` is until when which address is to be left alone, by the wall clock.
    Memory: signals that are open or have an open order, accounts, reasons, orders that were noticed or decided on.
    """

    name = "state"

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.book = Book()
        self.halted: e.Halted | None = None
        self.banned: dict[str, int] = {}
        self.position = 0
        self.illegal: dict[str, str] = {}
        self.statuses: dict[int, SignalStatus] = {}
        self.noticed: set[str] = set()
        self.decided: set[str] = set()
        self._order_of: dict[str, int] = {}

    @classmethod
    def of(cls, journal: Past) -> State:
        """The state after all events of a journal: from the newest image, and the events behind it."""
        state = cls()
        state.position = max(catch_up(state, journal), state.position)
        return state

    def fold(self, events: Iterable[e.Recorded]) -> None:
        """Take in committed events, in their order."""
        statuses, ledger, book = self.statuses, self.ledger, self.book
        outcomes, order_of, transitions = ledger.outcomes, self._order_of, TRANSITIONS
        for event in events:
            number, body = event.number, event.body
            self.position = event.position
            if not number:
                self._fold_pipeline(body)
                continue
            status = statuses.get(number)
            before = None if status is None else status.outcome
            after = transitions.get((before, type(body)))
            if after is None:
                if type(body) is e.Redelivered:
                    ledger.redelivered += 1
                    continue
                if status is None and type(body) is e.Reopened:
                    before = Outcome(body.outcome)
                try:
                    after = advance(before, body)
                except IllegalTransition as error:
                    self.illegal[event.signal_id] = str(error)
                    continue
            if type(body) is e.Accepted:
                statuses[number] = SignalStatus(after, event.signal_id)
            elif type(body) is e.Intent and status is not None:
                status.outcome, status.trader, status.client_order_id = after, body.trader, body.client_order_id
                order_of[body.client_order_id] = number
                book.reserve(body)
            elif type(body) is e.Placed and status is not None and status.client_order_id:
                status.outcome = after
                if book.apply_fills(status.trader, body.client_order_id, body.fills, body.status, event.at_ns):
                    del statuses[number], order_of[status.client_order_id]
            else:
                self._fold_other(event, status, after)
            if after is not before:
                if before is None:
                    ledger.received += 1
                else:
                    outcomes[before] = outcomes.get(before, 0) - 1
                outcomes[after] = outcomes.get(after, 0) + 1

    def signal_of_order(self, client_order_id: str) -> int | None:
        """The number of the signal whose order this is, while the order is not over."""
        return self._order_of.get(client_order_id)

    def outcome(self, number: int) -> Outcome | None:
        """The outcome so far of a signal that is not done; None for all others."""
        statuses = self.statuses.get(number)
        return statuses.outcome if statuses else None

    def acknowledged(self, trader: str) -> frozenset[str]:
        """The client order ids of a trader's orders that a venue acknowledged and that are not over."""
        mine = (s for s in self.statuses.values() if s.trader == trader and s.outcome is Outcome.PLACED)
        return frozenset(statuses.client_order_id for statuses in mine)

    def image(self) -> bytes:
        """The whole state as the journal has it, for a snapshot: without what is reserved ahead of it."""
        ledger = self.ledger
        image = _StateImage(
            ledger.received,
            ledger.redelivered,
            ledger.turned_away,
            {outcome.value: count for outcome, count in ledger.outcomes.items()},
            dict(ledger.reasons),
            self.statuses,
            self.halted,
            {trader: msgspec.Raw(self._recorded(account).image()) for trader, account in self.book.accounts.items()},
            sorted(self.noticed),
            sorted(self.decided),
            self.banned,
            self.book.marks,
            _FORM,
            dict(ledger.rules),
        )
        return msgspec.json.encode(image)

    def _recorded(self, account: Account) -> Account:
        ahead = account.orders.keys() - self._order_of.keys()
        return account.without(ahead) if ahead else account

    def restore(self, encoded: bytes) -> None:
        """Become what an image says.

        Raises:
            ValueError: it is damaged, or an older program took it, which left out a part.
        """
        image = msgspec.json.decode(encoded, type=_StateImage)
        if image.form != _FORM:
            raise ValueError(f"the image has form {image.form}, not {_FORM}")
        accounts = {trader: Account.from_image(bytes(raw)) for trader, raw in image.accounts.items()}
        outcomes = {Outcome(name): count for name, count in image.outcomes.items()}
        ledger = self.ledger
        ledger.received, ledger.redelivered, ledger.turned_away = image.received, image.redelivered, image.turned_away
        ledger.outcomes, ledger.reasons = Counter(outcomes), Counter(image.reasons)
        ledger.rules = Counter(image.rules)
        self.statuses = image.statuses
        self._order_of = {s.client_order_id: number for number, s in self.statuses.items() if s.client_order_id}
        self.halted, self.banned = image.halted, image.banned
        self.noticed, self.decided = set(image.noticed), set(image.decided)
        self.book = Book(accounts, image.marks)

    def _fold_other(self, event: e.Recorded, status: SignalStatus | None, after: Outcome) -> None:
        """Take in an event of a signal that stood there, if it did."""
        number, body = event.number, event.body
        if isinstance(body, e.Reopened | e.Adopted):
            order_id = body.client_order_id
            if status is None:
                status = self.statuses[number] = SignalStatus(after, event.signal_id)
            status.trader, status.client_order_id = body.request.trader, order_id
            self._order_of[order_id] = number
            if type(body) is e.Adopted:
                self.decided.add(order_id)
        if status is not None:
            status.outcome = after
            if status.client_order_id and self.book.apply(status.trader, body, event.at_ns):
                del self._order_of[status.client_order_id]
                status.trader = status.client_order_id = ""
            if not status.client_order_id and after in FINAL:
                del self.statuses[number]
        if isinstance(body, _WITH_REASON):
            self.ledger.count(body.reason, None if isinstance(body, e.Failed) else body.rule)

    def _fold_pipeline(self, body: e.Body) -> None:
        match body:
            case e.Halted():
                self.halted = body
                self.noticed.update(body.orders)
                for signal_id in [signal_id for signal_id in self.illegal if signal_id in body.why]:
                    del self.illegal[signal_id]
            case e.Resumed():
                self.halted = None
            case e.Ignored(order_id=order_id):
                self.decided.add(order_id)
            case e.Banned(address=address, until_ns=until_ns):
                self.banned[address] = max(until_ns, self.banned.get(address, 0))
            case e.TurnedAway(count=count):
                self.ledger.turned_away += count
            case e.Funded(trader=trader) | e.BalancesSynced(trader=trader):
                self.book.apply(trader, body)
            case e.Stopped(marks=marks):
                self.book.marks.update(marks)
