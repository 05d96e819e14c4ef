"""Every notebook runs from top to bottom, in a kernel of its own, and shows what it promises."""

import ast
import asyncio
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tidegate import Pipeline
from tidegate.market.recordings import write_candles
from tidegate.market.simulated import SimulatedMarket
from tidegate.settings import Settings

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(notebook):
    read = nbformat.read(notebook, as_version=4)
    nbformat.validate(read)
    return read


@pytest.fixture
def execute(tmp_path):
    """Execute a notebook with this Python and nothing of the user's, and give it with its outputs."""

    def executed(notebook, **environment):
        kernel = AsyncKernelManager(
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]), connection_file=str(tmp_path / "kernel.json")
        )
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
        own = {"PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path)}
        content = read(notebook)
        NotebookClient(content, km=kernel, timeout=300).execute(cwd=str(tmp_path), env=inherited | own | environment)
        assert kernel.kernel_spec.argv[0] == sys.executable
        return content

    return executed


def shown(notebook, cell_id, kind):
    """What a cell shows, as text of a MIME type."""
    cell = next(cell for cell in notebook.cells if cell.id == cell_id)
    return "".join(output.data.get(kind, "") for output in cell.outputs if output.output_type == "execute_result")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(notebook):
    for cell in read(notebook).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_operators_are_composed_and_drawn(execute):
    done = execute(ROOT / "notebooks" / "compose_operators.ipynb")
    assert shown(done, "candles", "text/plain") == "('ETH/USDT', 576, '2025-01-02')"
    for cell_id in ("compose", "loose", "own"):
        title = ElementTree.fromstring(shown(done, cell_id, "image/svg+xml"))[0].text
        assert re.search(r"\d+ accepted.* from 2025-01-02 00:00:00 UTC; completed", title)
    assert "<Reason.WEAK: 'weak'>" in shown(done, "reasons", "text/plain")
    assert "strategy:breakout" in shown(done, "frame", "text/html")
    assert "<th>0.8</th>" in shown(done, "tune", "text/html")
    assert "<Reason.RATE_LIMITED: 'rate_limited'>" in shown(done, "own-reasons", "text/plain")
    assert shown(done, "again", "text/plain") == "True"


@pytest.fixture
def kill_before(tmp_path):
    """Execute a notebook up to a cell, and kill its kernel there; gives the cells that were executed."""

    def killed(notebook, cell_id, **environment):
        kernel = AsyncKernelManager(
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]), connection_file=str(tmp_path / "kernel.json")
        )
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
        own = {"PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path)}
        content = read(notebook)
        client = NotebookClient(content, km=kernel, timeout=60)
        with client.setup_kernel(cwd=str(tmp_path), env=inherited | own | environment):
            for index, cell in enumerate(content.cells):
                if cell.id == cell_id:
                    break
                client.execute_cell(cell, index)
            os.kill(kernel.provisioner.pid, signal.SIGKILL)
            os.waitpid(kernel.provisioner.pid, 0)
        return content

    return killed


def printed(notebook, cell_id):
    """What a cell prints."""
    cell = next(cell for cell in notebook.cells if cell.id == cell_id)
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def why(journal, name, folder):
    """What `why` prints of a signal."""
    command = [sys.executable, str(ROOT / "run.py"), "why", name, "--journal", str(journal)]
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(folder), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_live_pipeline_is_composed_watched_and_asked(execute, tmp_path):
    journal = tmp_path / "journal.db"
    done = execute(ROOT / "notebooks" / "compose_a_live_pipeline.ipynb", TIDEGATE_JOURNAL__URL=f"sqlite:///{journal}")
    assert shown(done, "submit", "text/plain") == "(True, <Reason.RULE: 'rule'>)"
    assert "mine:unsure" in printed(done, "why")
    report = ast.literal_eval(shown(done, "wait", "text/plain"))
    assert (report["received"], report["placed"], report["refused"], report["balanced"]) == (5, 2, 3, True)
    assert report["rules"] == {"rule: mine:unsure": 3}
    (fault,) = report["faults"].items()
    assert fault[0] == "subscriber my chart"
    assert fault[1]["count"] == 1
    kinds = ast.literal_eval(shown(done, "kinds", "text/plain"))
    assert (kinds["Accepted"], kinds["Refused"], kinds["Placed"]) == (2, 3, 2)
    for name in ("by-hand", "model-0"):
        told = why(journal, name, tmp_path)
        assert "refused" in told
        assert "mine:unsure" in told
        assert "0.8" in told


def test_the_journal_of_a_notebook_that_was_killed_opens_with_its_reasons(kill_before, tmp_path):
    journal = tmp_path / "journal.db"
    notebook = ROOT / "notebooks" / "compose_a_live_pipeline.ipynb"
    done = kill_before(notebook, "stop", TIDEGATE_JOURNAL__URL=f"sqlite:///{journal}")
    assert shown(done, "submit", "text/plain") == "(True, <Reason.RULE: 'rule'>)"
    assert "mine:unsure" in why(journal, "by-hand", tmp_path)
    settings = Settings.model_validate({"journal": {"url": f"sqlite:///{journal}"}, "logging": {"json_file": None}})

    async def go_on():
        async with Pipeline(settings, strategies=False) as p:
            again = await p.submit(
                b'{"symbol":"BTC/USDT","side":"buy","strength":0.9,"confidence":0.5,"timestamp":"now","key":"by-hand"}'
            )
            return again, p.report()

    again, report = asyncio.run(go_on())
    assert not again.new
    assert (report["received"], report["balanced"], report["rules"]) == (5, True, {"rule: mine:unsure": 3})


def test_own_candles_are_replayed_when_they_are_named(execute, tmp_path):
    recording, midnight = tmp_path / "SOL-USDT-1m.csv", datetime(2024, 5, 2, tzinfo=UTC)
    until_ns = int(midnight.timestamp()) * 10**9
    write_candles(recording, SimulatedMarket(seed=1).history("SOL/USDT", 60 * 10**9, 1440, until_ns))
    done = execute(ROOT / "notebooks" / "compose_operators.ipynb", TIDEGATE_CANDLES=str(recording))
    assert shown(done, "candles", "text/plain") == "('SOL/USDT', 1440, '2024-05-01')"
    assert "from 2024-05-01 00:00:00 UTC" in shown(done, "compose", "image/svg+xml")


def test_a_cell_that_raises_is_noticed(execute, tmp_path):
    broken = tmp_path / "broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), broken)
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute(broken)


def test_every_notebook_is_tried_here():
    assert [path.stem for path in NOTEBOOKS] == ["compose_a_live_pipeline", "compose_operators"]
