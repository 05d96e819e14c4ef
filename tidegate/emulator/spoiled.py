"""Answers that say nothing, or not what was done."""

from __future__ import annotations

from tidegate.emulator.faults import Fault, FaultKind
from tidegate.emulator.wire import Reply, Silence

__all__ = ["FORBIDDEN_PAGE", "spoil"]

_HTML = "text/html"
_ERROR_PAGE = b"<html><head><title>%d</title></head><body><center><h1>%d</h1></center><hr>cloudfront</body></html>"
_HOME_PAGE = b"<!DOCTYPE html><html><head><title>Loading...</title></head><body></body></html>"
FORBIDDEN_PAGE = b"<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>"

_SILENCES = {
    FaultKind.LOST: Silence.HANG,
    FaultKind.LOST_CLOSED: Silence.CLOSE,
    FaultKind.LOST_RESET: Silence.RESET,
    FaultKind.SILENT: Silence.HANG,
    FaultKind.CLOSED: Silence.CLOSE,
    FaultKind.RESET: Silence.RESET,
}
_BODIES = {
    FaultKind.EMPTY: Reply(b""),
    FaultKind.HTML: Reply(_HOME_PAGE, content_type=_HTML),
    FaultKind.NULL: Reply(b"null"),
    FaultKind.BRACES: Reply(b"{}"),
    FaultKind.TRUNCATED: Reply(b'{"symbol":"BTC', missing=486),
}


def spoil(fault: Fault, reply: Reply) -> Reply | Silence:
    """What the client gets in place of `reply`."""
    if fault.kind is FaultKind.ERROR_PAGE:
        status = fault.status or 502
        return Reply(_ERROR_PAGE % (status, status), status=status, content_type=_HTML)
    return _SILENCES.get(fault.kind) or _BODIES.get(fault.kind) or reply
