import json

import pytest

from tidegate.domain.errors import SettingsError
from tidegate.sources.signal_lines import read_signals


def test_a_file_that_cannot_be_opened_is_an_error_at_once(tmp_path):
    with pytest.raises(SettingsError, match=r"signals.jsonl cannot be read: No such file"):
        read_signals(tmp_path / "signals.jsonl")


def test_signals_are_the_lines_as_they_are(tmp_path):
    path = tmp_path / "signals.jsonl"
    path.write_bytes(b'{"a": 1}\r\n\n  \t\n not json \xff\n{"b"\n{"last": true}')
    assert list(read_signals(path)) == [b'{"a": 1}', b" not json \xff", b'{"b"', b'{"last": true}']


def test_an_empty_file_of_signals_has_none(tmp_path):
    path = tmp_path / "signals.jsonl"
    path.write_bytes(b"")
    assert list(read_signals(path)) == []


def test_signals_are_read_as_they_are_asked_for(tmp_path):
    path = tmp_path / "signals.jsonl"
    path.write_bytes(b"".join(json.dumps({"n": n}).encode() + b"\n" for n in range(100_000)))
    signals = read_signals(path)
    assert next(signals) == b'{"n": 0}'
    with path.open("ab") as file:
        file.write(b"written meanwhile\n")
    *_, last = signals
    assert last == b"written meanwhile"
