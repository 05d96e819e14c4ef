"""Each kind of event has one class, and both have one name."""

import re
from typing import get_args

import pytest

from tidegate.domain import events as e
from tidegate.domain.difference import DifferenceKind, difference
from tidegate.domain.incident import SEVERITY_OF, IncidentKind, Severity
from tidegate.domain.order import OrderRequest

CLASSES = get_args(e.Body)


@pytest.mark.parametrize("body", CLASSES, ids=lambda body: body.__name__)
def test_a_class_and_its_kind_have_one_name(body):
    assert e.KIND_OF[body] == re.sub(r"(?<!^)(?=[A-Z])", "_", body.__name__).lower()


def test_every_class_has_its_own_kind():
    assert set(e.KINDS.values()) == set(CLASSES)
    assert len(set(CLASSES)) == len(CLASSES) == len(e.KINDS)


def test_a_request_alone_is_no_event():
    assert issubclass(e.Intent, OrderRequest)
    assert OrderRequest not in e.KIND_OF


def test_every_kind_of_incident_has_a_severity():
    assert set(SEVERITY_OF) == set(IncidentKind)


def test_an_incident_has_the_severity_of_its_kind():
    assert e.Incident.of(IncidentKind.JOURNAL_REFUSED, "journal", "x").severity is Severity.CRITICAL


def found(kind, what="o1"):
    return difference("main", kind, what, "open", "nowhere")


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        (DifferenceKind.FOUND, Severity.INFO),
        (DifferenceKind.STRANGER, Severity.WARNING),
        (DifferenceKind.MISSING, Severity.ERROR),
        (DifferenceKind.SECOND_ORDER, Severity.CRITICAL),
    ],
)
def test_a_difference_has_the_severity_of_its_kind(kind, severity):
    assert e.Differed.of((found(kind),)).severity is severity


def test_differences_say_what_differs_and_what_helps():
    body = e.Differed.of((found(DifferenceKind.MISSING),))
    assert body.where == "reconciliation with main"
    assert body.text == (
        "missing: o1: ours open, theirs nowhere; look it up on the venue; `reconcile --ignore o1` silences this"
    )


def test_of_many_alike_the_others_are_counted():
    body = e.Differed.of((found(DifferenceKind.STRANGER, "a"), found(DifferenceKind.STRANGER, "b")), more=45)
    assert body.text == "stranger: a: ours open, theirs nowhere; b: ours open, theirs nowhere; and 45 more"


def test_differences_are_recorded_as_data():
    body = e.Differed.of((found(DifferenceKind.MISSING),), more=2)
    assert e.decode_body("differed", e.encode_body(body)) == body
