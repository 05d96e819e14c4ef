"""Each venue's own codes: where they stand in its answers, and what those mean that ccxt's classes do not tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from tidegate.venues.ccxt.meaning import (
    BANNED,
    BLOCKED,
    CLOCK_SKEW,
    EXISTS,
    MAINTENANCE,
    MARKET_CLOSED,
    REJECTED,
    TOO_MANY,
    TOO_MANY_FROM_HERE,
    UNKNOWN,
    Ruling,
)

__all__ = [
    "BINANCE",
    "BITGET",
    "BYBIT",
    "COINBASE",
    "GATE",
    "GENERIC_CODES",
    "KRAKEN",
    "KUCOIN",
    "MEXC",
    "OKX",
    "Codes",
]


class Codes(Struct, frozen=True, kw_only=True, gc=False):
    """How to read a venue's code, and what some of them mean.

    `code_at` and `words_at` are paths into its answer, tried in order: `data.0.sCode`. Those in `fine` are not errors.
    `phrases`, parts of its words, are stronger than `rulings`, by code, and these are stronger than ccxt's classes.
    `not_found` are the codes with which a lookup says that there is no such order.
    """

    code_at: tuple[str, ...]
    words_at: tuple[str, ...] = ()
    fine: frozenset[str] = frozenset({"0"})
    rulings: Mapping[str, Ruling] = {}
    phrases: Mapping[str, Ruling] = {}
    not_found: frozenset[str] = frozenset()

    def find(self, text: str) -> tuple[str | None, str]:
        """The venue's code in a body, or in a text that has one within; and its words, or the whole text."""
        code, words = self.find_in(_json_in(text))
        return code, words or text

    def find_in(self, answer: Any) -> tuple[str | None, str]:
        """The venue's code and words in an answer that was read already."""
        codes = (code for path in self.code_at if (code := _at(answer, path)) and code not in self.fine)
        words = (words for path in self.words_at if (words := _at(answer, path)))
        return next(codes, None), next(words, "")

    def ruling(self, code: str | None, words: str) -> Ruling | None:
        """What a code and its words mean; None where they are not listed."""
        said = next((ruling for phrase, ruling in self.phrases.items() if phrase in words), None)
        return said or self.rulings.get(code or "")


def _json_in(text: str) -> Any:
    """The first object or list in a text."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    try:
        return json.JSONDecoder().raw_decode(text, min(starts))[0] if starts else None
    except (ValueError, RecursionError):
        return None


def _at(answer: Any, path: str) -> str:
    """The text or number at a path, as text; empty where there is none."""
    for step in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return ""
    return str(answer) if isinstance(answer, str | int) and not isinstance(answer, bool) else ""


BINANCE = Codes(
    code_at=("code",),
    words_at=("msg",),
    fine=frozenset({"0", "200"}),
    rulings={
        **dict.fromkeys(("-1000", "-1001", "-1004", "-1006", "-1007", "-1008"), UNKNOWN),
        "-1003": TOO_MANY_FROM_HERE,
        "-1015": TOO_MANY,
        "-1021": CLOCK_SKEW,
        "-2008": BLOCKED,
        "-2015": BLOCKED,  # ccxt takes it for a limit once the key has worked
        "-4116": EXISTS,
    },
    phrases={
        "Duplicate order sent": EXISTS,
        "Market is closed": MARKET_CLOSED,
        "System is under maintenance": MAINTENANCE,
        "insufficient balance": REJECTED,
        "may not place or cancel orders": BLOCKED,
        "disabled on this account": BLOCKED,
    },
    not_found=frozenset({"-2013"}),
)

BYBIT = Codes(
    code_at=("retCode", "ret_code"),
    words_at=("retMsg", "ret_msg"),
    rulings={
        **dict.fromkeys(("10000", "10014", "10016", "170001", "170007", "170032"), UNKNOWN),
        **dict.fromkeys(("170035", "170146", "170149", "170234"), UNKNOWN),
        **dict.fromkeys(("12141", "110030", "110072", "170141"), EXISTS),
        **dict.fromkeys(("10005", "10010", "10027"), BLOCKED),
        **dict.fromkeys(("10006", "170005", "170222"), TOO_MANY),
        "10002": CLOCK_SKEW,
        "10009": BANNED,
        "170151": MARKET_CLOSED,
        "10018": TOO_MANY_FROM_HERE,
    },
)

OKX = Codes(
    code_at=("data.0.sCode", "sCode", "code"),
    words_at=("data.0.sMsg", "sMsg", "msg"),
    rulings={
        **dict.fromkeys(("1", "2", "50004", "50005", "50013", "50026", "51149"), UNKNOWN),
        **dict.fromkeys(("50011", "50061"), TOO_MANY),
        **dict.fromkeys(("50027", "50110"), BLOCKED),
        "51008": REJECTED,
        "51016": EXISTS,
    },
    not_found=frozenset({"51603"}),
)

KRAKEN = Codes(
    code_at=("error.0",),
    words_at=("error.0",),
    rulings={
        **dict.fromkeys(("EService:Unavailable", "EService:Busy", "EService:Deadline elapsed"), UNKNOWN),
        **dict.fromkeys(("EGeneral:Internal error", "EDatabase:Internal error"), UNKNOWN),
        **dict.fromkeys(("EAPI:Invalid signature", "EGeneral:Permission denied"), BLOCKED),
        **dict.fromkeys(("EAPI:Rate limit exceeded", "EOrder:Rate limit exceeded"), TOO_MANY),
        **dict.fromkeys(("EGeneral:Too many requests", "EGeneral:Temporary lockout"), TOO_MANY),
        **dict.fromkeys(("EOrder:Cost minimum not met", "EOrder:Tick size check failed"), REJECTED),
        "EQuery:Unknown asset pair": REJECTED,
    },
    phrases={"cl_ord_id not unique": EXISTS},
)

COINBASE = Codes(code_at=("error_response.error", "error"), words_at=("error_response.message", "message"))

KUCOIN = Codes(
    code_at=("code",),
    words_at=("msg",),
    fine=frozenset({"0", "200", "200000"}),
    rulings={"126044": EXISTS, "500000": UNKNOWN},
)

GATE = Codes(
    code_at=("label",),
    words_at=("message",),
    rulings={"REPEATED_CREATION": EXISTS, "SERVER_ERROR": UNKNOWN},
    not_found=frozenset({"ORDER_NOT_FOUND"}),
)

BITGET = Codes(code_at=("code",), words_at=("msg",), fine=frozenset({"0", "00000"}), rulings={"40015": UNKNOWN})

MEXC = Codes(code_at=("code",), words_at=("msg",), fine=frozenset({"0", "200"}), rulings={"500": UNKNOWN})

GENERIC_CODES = Codes(
    code_at=("code", "retCode", "error.code", "error_code", "errorCode", "label", "error"),
    words_at=("msg", "message", "error.message"),
    fine=frozenset({"0", "200"}),
)
