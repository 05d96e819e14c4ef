"""Imports point only downwards, and the world outside comes in by few doors."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "domain": set(),
    "clock": set(),
    "strategies": {"domain"},
    "marbles": {"clock", "domain"},
    "operators": {"clock", "domain"},
    "streams": {"operators", "strategies", "clock", "domain"},
    "adapters": {"streams", "operators", "clock", "domain"},
    "simulation": {"marbles", "streams", "operators", "strategies", "clock", "domain"},
    "settings": {"domain"},
    "assembly": {"settings", "adapters", "simulation", "strategies", "streams", "operators", "clock", "domain"},
    "throughline": {"assembly", "settings", "streams", "operators", "clock", "domain"},
}
ABOVE = {
    "commands": set(MAY_IMPORT),
    "run": {*MAY_IMPORT, "commands"},
    "benchmarks": {*MAY_IMPORT, "commands"},
}
ARROWS = MAY_IMPORT | ABOVE

MAY_USE_ASYNCIO = {"clock", "adapters", "commands", "assembly", "throughline", "benchmarks"}
MAY_USE_ASYNCIO_TOO = {
    Path("operators/bridge.py"),
    Path("operators/record.py"),
    *(Path(f"simulation/exchange/{name}.py") for name in ("wire", "server", "__main__")),
    Path("simulation/torture/watched.py"),
}

MAY_LOAD_CCXT = {
    *(Path(f"assembly/{name}.py") for name in ("real", "real_accounts", "real_feeds")),
    *(Path(f"benchmarks/{name}.py") for name in ("stubbed_transport", "venues")),
}

NOT_IN_THE_DOMAIN = {
    *("asyncio", "concurrent", "multiprocessing", "reactivex", "threading"),
    *("http", "io", "logging", "loguru", "os", "pathlib", "shutil", "socket", "sqlite3", "ssl", "subprocess", "sys"),
    *("random", "secrets", "tempfile", "time", "urllib", "uuid"),
}


def modules_of(package: str) -> list[Path]:
    files = (ROOT / package).glob("**/*.py") if (ROOT / package).is_dir() else ROOT.glob(f"{package}.py")
    return sorted(file.relative_to(ROOT) for file in files)


MODULES = [module for package in ARROWS for module in modules_of(package)]


def imported(tree: ast.AST, *, into_functions: bool = True) -> Iterator[str]:
    """The top-level names of what a piece of code imports; a relative import is `.`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else (node.module or "").partition(".")[0]
        elif into_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imported(node, into_functions=into_functions)


def modules_named(tree: ast.AST) -> set[str]:
    """The modules that code imports when it is itself imported, by their whole names."""
    top = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    return {node.module or "" for node in top if id(node) not in inside}


def wrong_imports(module: Path, source: str) -> set[str]:
    """What `module` imports and must not."""
    tree, package = ast.parse(source), module.parts[0].removesuffix(".py")
    names = set(imported(tree))
    wrong = names & (ARROWS.keys() - ARROWS[package] - {package} | {"."})
    if package not in MAY_USE_ASYNCIO and module not in MAY_USE_ASYNCIO_TOO:
        wrong |= names & {"asyncio"}
    if package == "domain":
        wrong |= names & NOT_IN_THE_DOMAIN
    if not module.match("adapters/ccxt_*.py"):
        wrong |= names & {"ccxt", "aiohttp"}
        if module not in MAY_LOAD_CCXT:
            wrong |= {name for name in modules_named(tree) if name.startswith(("adapters.ccxt_", "assembly.real"))}
    return wrong


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_what_lies_below(module):
    assert not wrong_imports(module, (ROOT / module).read_text())


def test_every_package_is_seen():
    present = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert present <= ARROWS.keys()
    assert {"domain", "clock", "operators"} <= {module.parts[0] for module in MODULES}


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        pytest.param("domain/book.py", "import reactivex.operators", {"reactivex"}, id="the domain is not reactive"),
        pytest.param("domain/book.py", "import sqlite3", {"sqlite3"}, id="the domain does no I/O"),
        pytest.param("domain/book.py", "from time import time_ns", {"time"}, id="the domain has no clock"),
        pytest.param("clock/grid.py", "from domain import signal", {"domain"}, id="the clock knows nothing of trading"),
        pytest.param("operators/dedup.py", "def f():\n import streams", {"streams"}, id="upwards inside a function"),
        pytest.param("operators/dedup.py", "import asyncio", {"asyncio"}, id="an operator does not know the loop"),
        pytest.param("operators/bridge.py", "import asyncio", set(), id="the bridge does"),
        pytest.param("streams/pipeline.py", "from .waiting import hold", {"."}, id="relative"),
        pytest.param("adapters/venue.py", "import simulation", {"simulation"}, id="adapters and worlds are strangers"),
        pytest.param("adapters/ccxt_venue.py", "import ccxt.async_support", set(), id="ccxt in its own adapters"),
        pytest.param("adapters/control.py", "def f():\n import ccxt", {"ccxt"}, id="ccxt in another adapter"),
        pytest.param(
            "assembly/opening.py",
            "from assembly.real import RealVenues",
            {"assembly.real"},
            id="real venues where a paper run would load them",
        ),
        pytest.param(
            "assembly/opening.py",
            "def f():\n from assembly.real import RealVenues",
            set(),
            id="real venues when they are asked for",
        ),
        pytest.param("streams/traders.py", "def f():\n import ccxt", {"ccxt"}, id="ccxt outside the adapters"),
        pytest.param("strategies/breakout.py", "from clock import Clock", {"clock"}, id="a strategy has no clock"),
    ],
)
def test_an_arrow_that_turns_is_noticed(module, source, wrong):
    assert wrong_imports(Path(module), source) == wrong
