import json

import pytest

from tidegate.domain.text import encodable, safe, words_of

LATIN = b"f\xfcr".decode(errors="surrogateescape")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "plain"),
        ("für 🐟", "für 🐟"),
        (LATIN, r"f\xfcr"),
        ("ä".encode().decode("ascii", "surrogateescape"), "ä"),
        (json.loads(r'"\ud83d alone"'), r"\ud83d alone"),
        ("nul \0 and \n stay", "nul \0 and \n stay"),
    ],
)
def test_what_cannot_be_encoded_is_written_out_and_nothing_else_changes(text, written):
    assert encodable(text) == safe(text) == written
    assert safe(text).encode().decode() == written


def test_a_long_text_is_cut_after_it_is_written_out():
    assert safe("x" * 10, 10) == "x" * 10
    assert safe("x" * 11, 10) == "x" * 9 + "…"
    assert safe("\ud800" * 10, 10) == r"\ud800\ud" + "…"


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class Latin(Exception):
    def __repr__(self) -> str:
        return LATIN


def test_an_error_says_what_it_can():
    assert words_of(ValueError(LATIN)) == r"f\xfcr"
    assert words_of(Latin(), repr) == r"f\xfcr"
    assert words_of(Mute("x")) == "Mute, which cannot say what"
