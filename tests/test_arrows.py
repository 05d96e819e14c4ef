"""Imports point only downwards, between folders and between the rooms of the package; few rooms reach outside."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MEANING = {"clock", "domain"}
FLOW = {"operators", "streams", *MEANING}
OUTSIDE = {"journal", "market", "sources", "venues"}

MAY_IMPORT = {
    "domain": set(),
    "clock": set(),
    "companions": set(),
    "files": set(),
    "settings": {"domain"},
    "strategies": {"domain"},
    "marbles": {*MEANING},
    "operators": {*MEANING},
    "streams": {"operators", "strategies", *MEANING},
    "journal": {*FLOW, "files"},
    "venues": {*FLOW},
    "market": {*FLOW, "venues"},
    "sources": {*FLOW, "files", "journal"},
    "insight": {*FLOW},
    "assembly": {*FLOW, *OUTSIDE, "files", "insight", "settings", "strategies"},
    "replay": {*FLOW, *OUTSIDE, "assembly", "marbles", "settings", "strategies"},
    "emulator": {*MEANING},
    "torture": {*FLOW, *OUTSIDE, "assembly", "settings", "strategies"},
    "pipeline": {*FLOW, "assembly", "insight", "journal", "settings"},
    "facade": {*FLOW, "insight", "journal", "pipeline", "settings"},
}
API = {*MAY_IMPORT}
ABOVE = {
    "tidegate": API,
    "cli": {*API, "tidegate"},
    "run": {"cli"},
    "benchmarks": {*API, "cli", "tidegate"},
}
ARROWS = MAY_IMPORT | ABOVE
"""By room, the rooms it may import. `operators`, `streams`, `run` and `benchmarks` are folders of their own; the
others are rooms of the package; `tidegate` is its public front."""

TOP_LEVEL = {"operators", "streams", "run", "benchmarks"}

MAY_USE_ASYNCIO = {"clock", *OUTSIDE, "cli", "assembly", "pipeline", "facade", "benchmarks"}
MAY_USE_ASYNCIO_TOO = {
    Path("operators/bridge.py"),
    Path("operators/group_commit.py"),
    *(Path(f"tidegate/emulator/{name}.py") for name in ("wire", "websocket", "server", "__main__")),
    Path("tidegate/torture/watched.py"),
}

CCXT_LIVES_IN = ("tidegate/venues/ccxt/*.py", "tidegate/market/ccxt/*.py")
MAY_LOAD_CCXT = {
    *(Path(f"tidegate/assembly/{name}.py") for name in ("real", "real_accounts", "real_feeds")),
    *(Path(f"benchmarks/{name}.py") for name in ("local_exchange", "stubbed_transport", "venues")),
}
PRINTS = {"click", "rich"}
STORAGE = {"sqlite3", *(f"tidegate.journal.sqlite_{name}" for name in ("checkup", "file", "journal", "lock", "schema"))}

LOADS_CCXT = ("tidegate.venues.ccxt", "tidegate.market.ccxt", "tidegate.assembly.real")

NOT_IN_THE_DOMAIN = {
    *("asyncio", "concurrent", "multiprocessing", "reactivex", "threading"),
    *("http", "io", "logging", "loguru", "os", "pathlib", "shutil", "socket", "sqlite3", "ssl", "subprocess", "sys"),
    *("random", "secrets", "tempfile", "time", "urllib", "uuid"),
}


def room_of(dotted: str) -> str:
    """The room, or the folder, that a module lies in; of other modules their top-level name."""
    if dotted == ".":
        return dotted
    top, *inside = dotted.split(".")
    if dotted == "tidegate.__main__":
        return "run"
    return inside[0] if top == "tidegate" and inside else top


def room_of_file(module: Path) -> str:
    return room_of(".".join(module.with_suffix("").parts).removesuffix(".__init__"))


def modules() -> list[Path]:
    files = [*ROOT.glob("run.py"), *(f for top in ("tidegate", *TOP_LEVEL) for f in (ROOT / top).glob("**/*.py"))]
    return sorted(file.relative_to(ROOT) for file in files)


MODULES = modules()


def imported(tree: ast.AST, *, into_functions: bool = True) -> Iterator[str]:
    """The whole names of the modules that a piece of code imports; a relative import is `.`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            rooms = node.level == 0 and module == "tidegate"
            yield from (f"tidegate.{alias.name}" for alias in node.names) if rooms else ["." if node.level else module]
        elif into_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imported(node, into_functions=into_functions)


def wrong_imports(module: Path, source: str) -> set[str]:
    """What `module` imports and must not: rooms, libraries, or modules that load ccxt."""
    tree, room = ast.parse(source), room_of_file(module)
    rooms = {"tidegate" if name[:1].isupper() else name for name in map(room_of, imported(tree))}
    wrong = rooms & (ARROWS.keys() - ARROWS[room] - {room} | {"."})
    if room not in MAY_USE_ASYNCIO and module not in MAY_USE_ASYNCIO_TOO:
        wrong |= rooms & {"asyncio"}
    if room == "domain":
        wrong |= rooms & NOT_IN_THE_DOMAIN
    if room == "insight":
        wrong |= rooms & PRINTS
    if room not in {"journal", "benchmarks"}:
        wrong |= {name for name in imported(tree) if name in STORAGE}
    if not any(module.match(pattern) for pattern in CCXT_LIVES_IN):
        wrong |= rooms & {"ccxt", "aiohttp"}
        if module not in MAY_LOAD_CCXT:
            wrong |= {name for name in imported(tree, into_functions=False) if name.startswith(LOADS_CCXT)}
    return wrong


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_what_lies_below(module):
    assert not wrong_imports(module, (ROOT / module).read_text())


def test_every_room_is_seen():
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    rooms = {path.parent.name for path in ROOT.glob("tidegate/*/__init__.py")}
    assert folders | rooms <= ARROWS.keys() | {"tests"}
    assert {"domain", "clock", "operators"} <= {room_of_file(module) for module in MODULES}


def test_the_arrows_have_no_circle():
    seen: set[str] = set()
    left = dict(ARROWS)
    while left:
        free = {room for room, below in left.items() if below <= seen}
        assert free, f"a circle among {sorted(left)}"
        seen |= free
        left = {room: below for room, below in left.items() if room not in free}


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        pytest.param("tidegate/domain/book.py", "import reactivex.operators", {"reactivex"}, id="no streams in domain"),
        pytest.param("tidegate/domain/book.py", "import sqlite3", {"sqlite3"}, id="the domain does no I/O"),
        pytest.param("tidegate/domain/book.py", "from time import time_ns", {"time"}, id="the domain has no clock"),
        pytest.param(
            "tidegate/clock/grid.py", "from tidegate.domain import signal", {"domain"}, id="the clock is bare"
        ),
        pytest.param("tidegate/clock/grid.py", "from tidegate import domain", {"domain"}, id="a room by its name"),
        pytest.param("tidegate/cli/run.py", "from tidegate import Replay", set(), id="the command line uses the front"),
        pytest.param("tidegate/settings/a.py", "from tidegate import Replay", {"tidegate"}, id="nothing below uses it"),
        pytest.param("operators/dedup.py", "def f():\n import streams", {"streams"}, id="upwards inside a function"),
        pytest.param("operators/dedup.py", "import asyncio", {"asyncio"}, id="an operator does not know the loop"),
        pytest.param("operators/bridge.py", "import asyncio", set(), id="the bridge does"),
        pytest.param("streams/pipeline.py", "from .pending import enqueue", {"."}, id="relative"),
        pytest.param("streams/state.py", "from tidegate.journal import x", {"journal"}, id="streams know only ports"),
        pytest.param(
            "tidegate/venues/paper/venue.py", "from tidegate.market.feeds import x", {"market"}, id="sideways"
        ),
        pytest.param("tidegate/venues/ccxt/venue.py", "import ccxt.async_support", set(), id="ccxt in its own folder"),
        pytest.param("tidegate/sources/control.py", "def f():\n import ccxt", {"ccxt"}, id="ccxt in another room"),
        pytest.param(
            "tidegate/assembly/opening.py",
            "from tidegate.assembly.real import RealVenues",
            {"tidegate.assembly.real"},
            id="real venues where a paper run would load them",
        ),
        pytest.param(
            "tidegate/assembly/opening.py",
            "def f():\n from tidegate.assembly.real import RealVenues",
            set(),
            id="real venues when they are asked for",
        ),
        pytest.param("streams/traders.py", "def f():\n import ccxt", {"ccxt"}, id="ccxt in a stream"),
        pytest.param("tidegate/insight/a.py", "def f():\n from rich import box", {"rich"}, id="insight prints nothing"),
        pytest.param("tidegate/insight/a.py", "import click", {"click"}, id="nor knows a command line"),
        pytest.param("tidegate/insight/a.py", "import tidegate.cli", {"cli"}, id="nor the commands"),
        pytest.param("tidegate/cli/why.py", "import click", set(), id="a command does"),
        pytest.param(
            "tidegate/cli/a.py",
            "def f():\n from tidegate.journal.sqlite_file import connect",
            {"tidegate.journal.sqlite_file"},
            id="how a journal is stored is known in its room",
        ),
        pytest.param("streams/state.py", "import sqlite3", {"sqlite3"}, id="no storage elsewhere"),
        pytest.param("tidegate/cli/a.py", "from tidegate.journal import open_journal", set(), id="opened by its URL"),
        pytest.param("tidegate/strategies/a.py", "from tidegate.clock import Clock", {"clock"}, id="no clock there"),
    ],
)
def test_an_arrow_that_turns_is_noticed(module, source, wrong):
    assert wrong_imports(Path(module), source) == wrong
