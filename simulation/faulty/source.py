"""Somebody who sends signals until they are acknowledged, and sometimes again."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from domain.signal import Raw, Receipt
from simulation.faulty.mishap import Kind
from simulation.faulty.script import Planned
from simulation.faulty.world import World

__all__ = ["Source"]

_AGAIN_S = 7.0
_FLOOD = 10
_STRONG, _OTHERWISE = 1.0, 0.98


class Source:
    """Sends the script's signals at their times, each again every 7 s until it is acknowledged.

    What the script lets it do besides: send a signal again that was acknowledged, send other content under its key, and
    send it many times at once. `acknowledged` has the ids that receipts told, by what was sent. Memory: all signals.
    """

    def __init__(self, world: World, name: str) -> None:
        self.acknowledged: dict[bytes, str] = {}
        self.sent: list[bytes] = []
        self._world, self._name = world, name
        self._give: Callable[[Raw], None] | None = None
        for nth, planned in enumerate(world.script.signals, 1):
            world.at(world.start_ns + int(planned.at_s * 1e9), self._sender(planned, nth))

    def listen(self, give: Callable[[Raw], None] | None) -> None:
        """Send to `give` from now on, or to nobody."""
        self._give = give

    def send(self, planned: Planned) -> None:
        """Send one more signal, now, until it is acknowledged."""
        self._send_until_acknowledged(self._payload(planned, _STRONG))

    @property
    def done(self) -> bool:
        """Whether everything was sent and acknowledged."""
        planned = len(self._world.script.signals)
        return len(self.sent) >= planned and all(payload in self.acknowledged for payload in self.sent)

    def _sender(self, planned: Planned, nth: int) -> Callable[[], None]:
        def send() -> None:
            world, payload = self._world, self._payload(planned, _STRONG)
            self._send_until_acknowledged(payload)
            if (again := world.strike(Kind.REDELIVERED, nth)) is not None:
                world.after(again.seconds, lambda: self._send(payload))
            if (mutated := world.strike(Kind.MUTATED, nth)) is not None:
                other = self._payload(planned, _OTHERWISE)
                world.after(mutated.seconds, lambda: self._send_until_acknowledged(other))
            if (flood := world.strike(Kind.FLOOD, nth)) is not None:
                for _ in range(_FLOOD):
                    world.after(flood.seconds, lambda: self._send(payload))

        return send

    def _send_until_acknowledged(self, payload: bytes) -> None:
        if payload not in self.sent:
            self.sent.append(payload)
        if payload not in self.acknowledged:
            self._send(payload)
            self._world.after(_AGAIN_S, lambda: self._send_until_acknowledged(payload))

    def _send(self, payload: bytes) -> None:
        def reply(receipt: Receipt) -> None:
            if receipt.signal_id is not None:
                self.acknowledged[payload] = receipt.signal_id
                self._world.points.reach("receipt", can_fail=False)

        if self._give is not None:
            self._give(Raw(payload, may_say_now=True, reply=reply))

    def _payload(self, planned: Planned, strength: float) -> bytes:
        said = {"symbol": planned.symbol, "side": planned.side, "strength": strength, "timestamp": "now"}
        return msgspec.json.encode({**said, "source": self._name, "key": planned.key})
