import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidegate.settings import Settings, json_schema, load_settings, masked, settings_hash

ROOT = Path(__file__).parents[2]


def test_the_shipped_settings_are_the_defaults_spelled_out():
    shipped = load_settings(ROOT / "settings.json", environ={}, dotenv=Path("nowhere/.env"))
    assert shipped == Settings()
    assert settings_hash(shipped) == settings_hash(Settings())


def test_the_shipped_schema_is_the_generated_one():
    assert json.loads((ROOT / "settings.schema.json").read_text()) == json_schema()


def test_the_shipped_settings_name_the_shipped_schema():
    assert (ROOT / json.loads((ROOT / "settings.json").read_text())["$schema"]).is_file()


def properties(schema) -> Iterator[tuple[str, dict]]:
    for part in [schema, *schema["$defs"].values()]:
        yield from part.get("properties", {}).items()


def test_every_setting_is_described():
    undescribed = [name for name, field in properties(json_schema()) if not {"description", "$ref"} & field.keys()]
    assert undescribed == ["$schema"]
    assert all("description" in section for name, section in json_schema()["$defs"].items() if name != "JsonValue")


def test_the_hash_is_16_hex_characters_that_never_change_their_meaning():
    assert settings_hash(Settings(installation="a")) == settings_hash(Settings(installation="a"))
    assert len(bytes.fromhex(settings_hash(Settings()))) == 8


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("100", "100.00", True, id="an amount written otherwise is the same"),
        pytest.param("100", "1E+2", True, id="an amount with an exponent is the same"),
        pytest.param("100", "100.01", False, id="another amount is not"),
    ],
)
def test_settings_hash(one, other, same):
    hashes = {settings_hash(Settings.model_validate({"sizing": {"notional": amount}})) for amount in (one, other)}
    assert (len(hashes) == 1) is same


def test_the_order_of_keys_does_not_change_the_hash():
    one, other = ({"traders": [{"balances": dict(pairs)}]} for pairs in ([("A", 1), ("B", 2)], [("B", 2), ("A", 1)]))
    assert settings_hash(Settings.model_validate(one)) == settings_hash(Settings.model_validate(other))


def test_masked_settings_read_back_as_the_same_settings():
    assert Settings.model_validate(masked(Settings())) == Settings()


def test_masked_settings_show_no_secret():
    ccxt = {"httpsProxy": "http://me:hunter2@proxy:3128", "options": [{"apiKey": "hunter2"}]}
    shown = masked(Settings.model_validate({"traders": [{"ccxt": ccxt}]}))
    assert shown["traders"][0]["ccxt"] == {"httpsProxy": "http://***@proxy:3128", "options": [{"apiKey": "***"}]}
