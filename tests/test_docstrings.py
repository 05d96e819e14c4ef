"""The docstring of an operator is its contract."""

import inspect
import re

import pytest

import operators
import operators.notebook

MARBLE = re.compile(r"^ +-[-\w?()']*[-|#]( {2,}\S.*)?$", re.MULTILINE)
PROMISES = ("Emits when:", "Completes when:", "Errors when:", "Memory:")
FUNCTIONS = {
    name: thing
    for folder in (operators, operators.notebook)
    for name in folder.__all__
    if inspect.isfunction(thing := getattr(folder, name))
}
OPERATORS = {
    name: function
    for name, function in FUNCTIONS.items()
    if re.search(r"\b(Stage|Bridge|Observable|Split)\b", str(inspect.signature(function).return_annotation))
}


def what_is_missing(docstring: str) -> list[str]:
    missing = [promise for promise in PROMISES if not re.search(rf"^ +{promise} +\S", docstring, re.MULTILINE)]
    if len(MARBLE.findall(docstring)) < 2:
        missing.append("a marble of what comes in and one of what goes out")
    if not re.match(r"[A-Z][^\n]*[.:]\n\n", docstring):
        missing.append("one plain sentence")
    return missing


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_says_what_it_promises(name):
    assert what_is_missing(OPERATORS[name].__doc__ or "") == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_error_raised_for_an_argument_is_promised(name):
    raises = "raise ValueError" in inspect.getsource(FUNCTIONS[name])
    assert not raises or "Raises:\n        ValueError:" in FUNCTIONS[name].__doc__


def test_every_operator_is_seen():
    assert {"admit", "bridge", "identify", "only_accepted", "screen", "watch"} <= OPERATORS.keys()
    assert "backoff_s" not in OPERATORS


def test_a_bare_docstring_is_noticed():
    assert len(what_is_missing("Refuse something.")) == len(PROMISES) + 2
