"""Built, installed into an environment of its own, and used in a folder whose modules have the names of ours."""

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SHIPPED = ("operators", "streams", "tidegate")

NOTEBOOK = """
from tidegate import Replay
from operators import identify, refuse_weak

day = Replay("ETH-BTC-5m.csv", day="2018-01-11")
seen = day.run(day.signals.pipe(identify(day.clock), refuse_weak(min_strength=0.6)))
import settings, domain, tidegate
assert "site-packages" in tidegate.__file__
assert seen.accepted.values and settings.mine and domain.mine
"""

EXECUTE = """
import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

kernel = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]), connection_file="kernel.json")
NotebookClient(nbformat.read("mine.ipynb", as_version=4), km=kernel, timeout=60).execute()
"""

STRATEGY = """
from tidegate.domain.signal import Side
from tidegate.strategies import Idea

def always():
    return lambda candle: Idea(Side.BUY, strength=0.8)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without the network from a copy of what it is made of."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SHIPPED:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "run.py"):
        shutil.copy(ROOT / name, source)
    build = "import sys\nfrom setuptools.build_meta import build_wheel\nbuild_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(target)], cwd=source, capture_output=True, check=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The programs of an environment in which the wheel is installed; what it needs is lent by this environment."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True, symlinks=True)
    install = [folder / "bin" / "python", "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", wheel]
    subprocess.run(install, capture_output=True, check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


@pytest.fixture
def folder(tmp_path):
    """A folder of a user's, with modules that have the names of ours and of rooms in our package."""
    for name in ("settings.py", "operators.py", "streams.py", "domain/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine = True\n")
    (tmp_path / "my_strategies.py").write_text(STRATEGY)
    shutil.copy(ROOT / "samples" / "generated" / "ETH-BTC-5m.csv", tmp_path)
    return tmp_path


def ran(folder, *command):
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "IPYTHONDIR": str(folder), "TIDEGATE_LOG": "off"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_has_three_typed_packages_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {*SHIPPED, "tidegate-0.1.0.dist-info"}
    assert {f"{package}/py.typed" for package in SHIPPED} <= {*names}
    assert {Path(name).suffix for name in names if "dist-info" not in name} == {".py", ".typed"}


def test_no_module_is_left_out_of_the_wheel(wheel):
    modules = {str(file.relative_to(ROOT)) for package in SHIPPED for file in (ROOT / package).rglob("*.py")}
    assert modules <= {*zipfile.ZipFile(wheel).namelist()}


def test_a_notebook_beside_modules_of_the_same_names(installed, folder):
    cell = nbformat.v4.new_code_cell(NOTEBOOK)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "mine.ipynb")
    ran(folder, installed / "python", "-P", "-c", EXECUTE)


def test_the_command_beside_modules_of_the_same_names(installed, folder):
    signal = {"symbol": "BTC/USDT", "side": "buy", "strength": 0.9, "timestamp": "now", "key": "k1"}
    (folder / "signals.jsonl").write_text(json.dumps(signal))
    run = ("run", "--signals", "signals.jsonl", "--until-idle", "--no-dashboard")
    assert "1 placed" in ran(folder, installed / "tidegate", *run)
    assert ": placed" in ran(folder, installed / "tidegate", "why", "k1")
    assert ran(folder, installed / "python", "-m", "tidegate", "report", "--json").startswith("{")


def test_the_command_finds_a_strategy_in_the_current_folder(installed, folder):
    strategies = 'signals.strategies=[{"name": "my_strategies:always"}]'
    out = ran(folder, installed / "tidegate", "replay", "--candles", "ETH-BTC-5m.csv", "--set", strategies, "--json")
    assert json.loads(out)["received"] > 100
