"""Every notebook runs from top to bottom, in a kernel of its own, and shows what it promises."""

import os
import re
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

from tidegate.market.recordings import write_candles
from tidegate.market.simulated import SimulatedMarket

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
    assert [path.stem for path in NOTEBOOKS] == ["compose_operators"]
