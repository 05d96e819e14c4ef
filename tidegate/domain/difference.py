"""Where a venue and the journal disagree."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from tidegate.domain.incident import Severity

__all__ = ["Difference", "DifferenceKind", "difference"]


class DifferenceKind(StrEnum):
    """What differs."""

    FOUND = "found"
    """An order that was unknown or parked is there."""
    REOPENED = "reopened"
    """An order is there of a signal that was thought to have none."""
    CHANGED = "changed"
    """An order of ours has trades or a status that the journal did not have."""
    TRADES_MISSING = "trades_missing"
    """A venue says that more was filled than it lists trades for."""
    MISSING = "missing"
    """An order that is open in the journal is not to be found on the venue."""
    NOT_IN_JOURNAL = "not_in_journal"
    """An order carries our mark, and the journal does not know it."""
    OTHER_ACCOUNT = "other_account"
    """An order of another account of ours is listed on this one: both use the same account of the venue."""
    SECOND_ORDER = "second_order"
    """An order is there of a signal that has another one alive."""
    STRANGER = "stranger"
    """An open order of somebody else on this account. It changes nothing else."""
    BALANCE = "balance"
    """A currency's total differs."""


class Difference(Struct, frozen=True, kw_only=True):
    """One difference: between what is `ours`, by the journal, and `theirs`, by the venue; `applied` says that the
    journal follows the venue now. `remedy` says what a person can do, where it takes one."""

    trader: str
    kind: DifferenceKind
    what: str
    ours: str
    theirs: str
    applied: bool = False
    remedy: str = ""

    @property
    def text(self) -> str:
        """What differs, and what a person can do about it."""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.what}: ours {self.ours}, theirs {self.theirs}{remedy}"

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return _SEVERITY_OF.get(self.kind, Severity.WARNING)

    @property
    def remains(self) -> bool:
        """Whether journal and venue disagree still. Other people's orders are no disagreement."""
        return not self.applied and self.kind is not DifferenceKind.STRANGER


def difference(
    trader: str, kind: DifferenceKind, what: str, ours: str, theirs: str, *, applied: bool = False
) -> Difference:
    """A difference on a trader's account, with its remedy."""
    remedy = "" if applied else _REMEDIES.get(kind, "").format(what=what)
    return Difference(trader=trader, kind=kind, what=what, ours=ours, theirs=theirs, applied=applied, remedy=remedy)


_DECIDE = "`reconcile --adopt {what}` books it, `reconcile --ignore {what}` leaves it out for good"

_REMEDIES = {
    DifferenceKind.NOT_IN_JOURNAL: _DECIDE,
    DifferenceKind.SECOND_ORDER: _DECIDE,
    DifferenceKind.OTHER_ACCOUNT: "give every trader keys of an account of its own",
    DifferenceKind.MISSING: "look it up on the venue; `reconcile --ignore {what}` silences this",
}

_SEVERITY_OF = {
    DifferenceKind.FOUND: Severity.INFO,
    DifferenceKind.SECOND_ORDER: Severity.CRITICAL,
    DifferenceKind.NOT_IN_JOURNAL: Severity.CRITICAL,
    DifferenceKind.OTHER_ACCOUNT: Severity.ERROR,
    DifferenceKind.MISSING: Severity.ERROR,
}
