"""Selling coins that our trades did not buy is no closing: what binds entries binds it as well."""

from __future__ import annotations

from streams.checks.check import ExecutionCheck, Objection, first_objection
from streams.checks.situation import Situation
from tidegate.domain.signal import Signal

__all__ = ["own_coins"]


def own_coins(*conditions: ExecutionCheck) -> ExecutionCheck:
    """Ask the `conditions` again of a sale beyond what our trades hold, which is known only once its terms are."""

    def check(signal: Signal, situation: Situation) -> Objection | None:
        return first_objection(conditions, signal, situation) if situation.own_coins else None

    return check
