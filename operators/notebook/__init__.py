"""Operators for notebooks and research: the live pipeline runs none of them, and none belongs among its rules."""

from operators.notebook.expiry import expire
from operators.notebook.retry import retry_after_backoff
from operators.notebook.split import AcceptedVerdict, RefusedVerdict, Split, only_accepted, only_refused

__all__ = [
    "AcceptedVerdict",
    "RefusedVerdict",
    "Split",
    "expire",
    "only_accepted",
    "only_refused",
    "retry_after_backoff",
]
