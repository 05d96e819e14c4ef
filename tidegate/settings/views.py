"""Views of the settings: their hash, what show-config prints, the schema editors read."""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b

import orjson
from pydantic import JsonValue
from pydantic.json_schema import GenerateJsonSchema

from tidegate.settings.model import Settings
from tidegate.settings.secrets import mask

__all__ = ["json_schema", "masked", "settings_hash"]


class _Untitled(GenerateJsonSchema):
    """A schema in which names are not repeated as titles."""

    def field_title_should_be_set(self, _schema: object) -> bool:
        return False


def settings_hash(settings: Settings) -> str:
    """16 hex characters: the same for the same settings, wherever they came from and however numbers are written."""
    canonical = orjson.dumps(settings.model_dump(), default=_plain_decimal, option=orjson.OPT_SORT_KEYS)
    return blake2b(canonical, digest_size=8).hexdigest()


def masked(settings: Settings) -> dict[str, JsonValue]:
    """The settings in force as JSON values, with anything secret starred out."""
    return {name: mask(value) for name, value in settings.model_dump(mode="json").items()}


def json_schema() -> dict[str, JsonValue]:
    """The JSON Schema of settings.json."""
    schema = Settings.model_json_schema(schema_generator=_Untitled)
    schema["properties"] = {"$schema": {"type": "string"}, **schema["properties"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _plain_decimal(number: object) -> str:
    if isinstance(number, Decimal):
        return format(number.normalize(), "f")
    raise TypeError(f"{type(number).__name__} has no canonical form")
