"""Writes docs/operators.md from the docstrings of the operators and the examples in their tests.

python docs/operators_page.py
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import FunctionType, ModuleType

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operators.md"
TESTS = ROOT / "tests" / "operators"
_OPERATOR = re.compile(r"\b(Stage|Bridge|Observable|Split)\b")

HEAD = """# Operators

Each operator takes a stream and returns a stream. Compose them with `pipe` or `reactivex.compose`, in a notebook, in a
test, or in the live pipeline.

In a marble diagram time runs from left to right, one character per second: `-` is a second in which nothing happens, a
letter is an item, `(ab)` are items of the same moment, `|` is the completion and `#` an error. A small letter is an
accepted verdict, and a capital letter is a refused one: it stands for the reason. The upper line is what goes in, the
line below is what comes out. Each line of examples is one case of the operator's own test.

This page is generated: change the docstring or the test, and run `python docs/operators_page.py`.
"""


def operators() -> dict[str, FunctionType]:
    """The public functions of `operators` and its packages that return an operator, by name."""
    import operators as package

    public = {name: getattr(folder, name) for folder in (package, *_inner(package)) for name in folder.__all__}
    functions = {name: public[name] for name in sorted(public) if inspect.isfunction(public[name])}
    returned = {name: str(inspect.signature(function).return_annotation) for name, function in functions.items()}
    return {name: functions[name] for name in functions if _OPERATOR.search(returned[name])}


def _inner(package: ModuleType) -> list[ModuleType]:
    folders = [module.name for module in iter_modules(package.__path__) if module.ispkg]
    return [import_module(f"{package.__name__}.{name}") for name in folders]


def page() -> str:
    """The whole page."""
    found = operators()
    rows = [f"| [`{name}`](#{name}) | {_summary(function)} |" for name, function in found.items()]
    index = "\n".join(["| operator | |", "|---|---|", *rows])
    return "\n".join([HEAD, index, *(_section(name, function) for name, function in found.items())]).rstrip() + "\n"


def _section(name: str, function: FunctionType) -> str:
    file = Path(inspect.getsourcefile(inspect.unwrap(function)) or "").relative_to(ROOT)
    examples = _examples(name)
    shown = f"\nExamples, from its test:\n\n```text\n{examples}\n```\n" if examples else ""
    where = "operators" if file.parent.name == "operators" else f"operators.{file.parent.name}"
    return (
        f"\n## {name}\n\n```python\n{_signature(function)}\n```\n\n{_contract(function)}\n{shown}\n"
        f"Import it from `{where}`. Source: `{file}`"
    )


def _summary(function: FunctionType) -> str:
    return inspect.cleandoc(function.__doc__ or "").partition("\n")[0]


def _signature(function: FunctionType) -> str:
    source = inspect.getsource(function)
    definition = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    return "\n".join(source.splitlines()[definition.lineno - 1 : definition.body[0].lineno - 1]).removesuffix(":")


def _contract(function: FunctionType) -> str:
    """The docstring as Markdown: drawings as text, promises as a list."""
    paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
    return "\n\n".join(map(_paragraph, paragraphs)).replace("\n\n- **Raises", "\n- **Raises")


def _paragraph(text: str) -> str:
    if text.startswith("    "):
        return f"```text\n{inspect.cleandoc(text)}\n```"
    if text.startswith("Raises:"):
        errors = re.sub(r"\n {4}(\w+): ", r"\n- **Raises** `\1`: ", text).removeprefix("Raises:\n")
        return re.sub(r"\n +", " ", errors)
    if re.match(r"\w+ when:", text):
        return re.sub(r"^([\w ]+): +", r"- **\1:** ", re.sub(r"\n {2,}", " ", text), flags=re.MULTILINE)
    return text


def _examples(name: str) -> str:
    """The cases of the tests of an operator, a line each, in columns under the names of their parameters."""
    tables = []
    for file in sorted(TESTS.glob("test_*.py")):
        for columns, rows in _tables(ast.parse(file.read_text()), name):
            lines = [(*columns, ""), *rows]
            widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
            tables.append("\n".join("   ".join(map(str.ljust, line, widths)).rstrip() for line in lines))
    return "\n\n".join(tables)


def _tables(tree: ast.Module, name: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """The parameters and the cases of each test called after the operator, and the cases that name it in others."""
    for test in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        for decorator in test.decorator_list:
            if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != "pytest.mark.parametrize":
                continue
            columns, cases = decorator.args
            rows = [_cells(case) for case in getattr(cases, "elts", ())]
            if test.name != f"test_{name}":
                rows = [row for row in rows if name in row]
            if rows and isinstance(columns, ast.Tuple):
                yield [_cell(column) for column in columns.elts], rows


def _cells(case: ast.expr) -> list[str]:
    """The values of a `pytest.param`, and its id."""
    if not isinstance(case, ast.Call):
        return []
    return [*map(_cell, case.args), *(_cell(keyword.value) for keyword in case.keywords if keyword.arg == "id")]


def _cell(value: ast.expr) -> str:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ast.unparse(value)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(page())
