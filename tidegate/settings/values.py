"""What a single setting may be, in types that say it in words when it is not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from tidegate.domain.hours import HOURS_PATTERN, read_hours

__all__ = [
    "Count",
    "EntryHours",
    "FileSize",
    "Fraction",
    "JournalUrl",
    "OwnFunction",
    "Parameter",
    "Positive",
    "Seconds",
    "Section",
    "Symbol",
    "Timeframe",
    "TraderId",
]


class Section(BaseModel):
    """What every section shares: immutable, no unknown keys, no NaN; the text under a field ends in the schema."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True, use_attribute_docstrings=True
    )


@dataclass(frozen=True, slots=True)
class _Spelled:
    """A text that must match `pattern` as a whole; `words` say how it is written."""

    pattern: str
    words: str

    def check(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise ValueError(f"must be {self.words}")
        return text

    def __get_pydantic_core_schema__(self, source: type[str], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^({self.pattern})$"}


def _readable(hours: str) -> str:
    if re.fullmatch(HOURS_PATTERN, hours):
        read_hours(hours)
    return hours


Timeframe: TypeAlias = Annotated[str, _Spelled(r"[1-9]\d{0,5}[smhdw]", "a number and s, m, h, d or w, such as 10s")]
Symbol: TypeAlias = Annotated[str, _Spelled(r"[^/\s]+/[^/\s]+", "a unified symbol, such as BTC/USDT")]
TraderId: TypeAlias = Annotated[str, _Spelled(r"[a-z0-9-]+", "lowercase letters, digits and -, such as paper-1")]
OwnFunction: TypeAlias = Annotated[
    str, Field(max_length=100), _Spelled(r"[\w.]+:\w+", "module:function, such as my_rules:refuse_unsure")
]
JournalUrl: TypeAlias = Annotated[str, _Spelled(r"sqlite:///.+", "a file, such as sqlite:///data/journal.db")]
EntryHours: TypeAlias = Annotated[
    str,
    AfterValidator(_readable),
    _Spelled(HOURS_PATTERN, "hours in UTC, such as 08:00-20:00 or Mon-Fri 08:00-20:00"),
]
FileSize: TypeAlias = Annotated[str, _Spelled(r"[1-9]\d* [KMG]B", "a size in KB, MB or GB, such as 20 MB")]

Fraction: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Seconds: TypeAlias = Annotated[float, Field(gt=0)]
Positive: TypeAlias = Annotated[Decimal, Field(gt=0)]
Count: TypeAlias = Annotated[int, Field(ge=1)]
Parameter: TypeAlias = int | float | str | bool
