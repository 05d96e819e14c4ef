"""What a running pipeline answers when it is asked through its socket."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from adapters.control import Answerer, Json
from domain import events as e
from domain.signal import Receipt
from streams.diagnosis import diagnose
from streams.engine import Engine

__all__ = ["answerer"]


def answerer(engine: Engine) -> Answerer:
    """Answers `send`, `trigger`, `halt`, `resume` and `diagnose`."""

    async def answer(request: Mapping[str, Json]) -> dict[str, Json]:
        match request:
            case {"do": "send", "signal": dict() as signal}:
                return _told(await engine.submit(msgspec.json.encode(signal), may_say_now=True))
            case {"do": "trigger"}:
                waiting = len(engine.parts.room)
                engine.trigger()
                return {"waiting": waiting}
            case {"do": "halt", "reduce_only": bool() as reduce_only, "why": str() as why}:
                engine.record(e.Halted(reduce_only=reduce_only, why=why))
                await engine.committed()
                return {"halted": True, "reduce_only": reduce_only}
            case {"do": "resume"}:
                engine.record(e.Resumed())
                await engine.committed()
                return {"halted": False}
            case {"do": "diagnose"}:
                return {"findings": [msgspec.to_builtins(finding) for finding in diagnose(engine)]}
        raise ValueError(f"cannot do {request.get('do')!r}")

    return answer


def _told(receipt: Receipt) -> dict[str, Json]:
    return {
        "signal_id": receipt.signal_id,
        "reason": receipt.reason.value if receipt.reason else None,
        "redelivered": receipt.redelivered,
    }
