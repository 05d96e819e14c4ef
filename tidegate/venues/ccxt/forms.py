"""The form a venue's answer must have: ccxt makes an empty list of nonsense, and that would prove an order away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from tidegate.domain.errors import VenueUnavailable

__all__ = ["Content", "Form", "Forms", "MalformedAnswer", "value_at"]


class MalformedAnswer(VenueUnavailable):
    """The venue answered, but not in its own form: that is no answer."""


class Content(StrEnum):
    """What is asked for."""

    ORDER = "order"
    ORDERS = "orders"
    TRADES = "trades"
    BALANCES = "balances"


class Form(Struct, frozen=True, kw_only=True, gc=False):
    """Where an answer holds its items, and the fields that each of them has.

    `at` are paths like `result.list`, of which one must lead to a list, or with `by_id` to an object of items by their
    ids; with `alone` the answer is itself the one item.
    """

    at: tuple[str, ...] = ("",)
    fields: tuple[str, ...] = ()
    by_id: bool = False
    alone: bool = False

    def items(self, answer: Any) -> Sequence[Any]:
        """The items in an answer.

        Raises:
            MalformedAnswer: the answer has none where they belong, or one lacks a field.
        """
        kind = dict if self.by_id or self.alone else list
        held = next((found for path in self.at if isinstance(found := value_at(answer, path), kind)), None)
        if held is None:
            raise MalformedAnswer(f"the answer has no {' or '.join(path or kind.__name__ for path in self.at)}")
        items = [held] if self.alone else list(held.values()) if isinstance(held, dict) else held
        for item in items:
            if self.fields and (lacking := _lacking(item, self.fields)):
                raise MalformedAnswer(f"the answer has an item without {', '.join(lacking)}")
        return items


class Forms(Struct, frozen=True, kw_only=True, gc=False):
    """The forms of one venue's answers, as far as they are declared.

    Where there is a `success_at`, every answer has one of `success` there. An answer whose content is not declared must
    be a list, or an object that holds one somewhere: for balances also another object, for an order any field.
    """

    success_at: str = ""
    success: tuple[object, ...] = ()
    contents: Mapping[Content, Form] = MappingProxyType({})

    def items(self, content: Content, answer: Any) -> Sequence[Any] | None:
        """The items in an answer; None where it is not declared where they are.

        Raises:
            MalformedAnswer: the answer does not have the venue's form.
        """
        if self.success_at and value_at(answer, self.success_at) not in self.success:
            raise MalformedAnswer(f"the answer does not have the {self.success_at} of a success")
        if (form := self.contents.get(content)) is not None:
            return form.items(answer)
        if isinstance(answer, list):
            return answer
        kinds = (list, dict) if content is Content.BALANCES else (list,)
        fits = bool(answer) if content is Content.ORDER else _holds(answer, kinds)
        if not isinstance(answer, dict) or not fits:
            raise MalformedAnswer(f"the answer has no {content}")
        return None


def value_at(answer: Any, path: str) -> Any:
    """What stands at a path like `result.list.0`, None where there is nothing; the answer itself at an empty one."""
    for step in path.split(".") if path else ():
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
    return answer


def _lacking(item: Any, fields: Collection[str]) -> Sequence[str]:
    return [field for field in fields if not isinstance(item, dict) or item.get(field) is None]


def _holds(answer: Any, kinds: tuple[type, ...], depth: int = 3) -> bool:
    """Whether an object has a value of one of these kinds, at most so deep within."""
    if not isinstance(answer, dict) or depth == 0:
        return False
    return any(isinstance(value, kinds) or _holds(value, kinds, depth - 1) for value in answer.values())
