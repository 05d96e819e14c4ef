"""The generated recordings in the repository: what the program that made them makes again."""

import filecmp
import json

from click.testing import CliRunner

from tidegate import Replay
from tidegate.cli import main
from tidegate.market.recordings import read_candles
from tidegate.market.samples import FOLDER, generate


def test_they_are_what_the_committed_generator_makes(tmp_path):
    generate(tmp_path)
    names = sorted(path.name for path in FOLDER.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    assert filecmp.cmpfiles(FOLDER, tmp_path, names, shallow=False) == (names, [], [])


def test_they_are_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 100_000


def test_they_have_two_days_without_a_gap_and_signals_on_the_second():
    (path,) = FOLDER.iterdir()
    candles = read_candles(path).candles
    assert len(candles) == 576
    assert candles[-1].opened_at_ns - candles[0].opened_at_ns == 575 * 300 * 10**9
    day = Replay(path, day="2018-01-11")
    assert len(day.run(day.signals).values) > 20


def test_they_can_be_replayed_from_a_fresh_clone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(main, ["replay", "--candles", str(FOLDER / "ETH-BTC-5m.csv"), "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["received"] > 20
