"""Somebody who sends signals until they are acknowledged, and sometimes again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tidegate.domain.signal import Raw, Receipt
from tidegate.torture.faulty.fault import VenueFaultKind
from tidegate.torture.faulty.script import Planned
from tidegate.torture.faulty.world import FaultyWorld

__all__ = ["FaultySource", "Given"]

_AGAIN_S = 7.0
_FLOOD = 10
_STRONG, _OTHERWISE = 1.0, 0.98
_MORE = 1.01
_DIGITS = Decimal("0.00000001")


class Given(Struct, frozen=True):
    """A payload that was handed to a living pipeline."""

    payload: bytes
    at_ns: int


class FaultySource:
    """Sends the script's signals at their times, each again every 7 s until it is acknowledged.

    What the script lets it do besides: send a signal again that was acknowledged, also in other words; send other
    content under its key; and send it many times at once. `prices` and `amounts` are what scripts speak of in parts.
    `acknowledged` has the ids in receipts, by what was sent; `given` what reached a pipeline.
    Memory: all signals.
    """

    def __init__(
        self, world: FaultyWorld, name: str, prices: Mapping[str, Decimal], amounts: Mapping[str, Decimal]
    ) -> None:
        self.acknowledged: dict[bytes, str] = {}
        self.sent: list[bytes] = []
        self.given: list[Given] = []
        self._world, self._name = world, name
        self._prices, self._amounts = prices, amounts
        self._give: Callable[[Raw], None] | None = None
        for nth, planned in enumerate(world.script.signals, 1):
            world.at(world.start_ns + int(planned.at_s * 1e9), self._sender(planned, nth))

    def listen(self, give: Callable[[Raw], None] | None) -> None:
        """Send to `give` from now on; None stops that."""
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
            if (again := world.due_fault(VenueFaultKind.REDELIVERED, nth)) is not None:
                world.await_after(again.seconds, lambda: self._send(payload))
            if (respelled := world.due_fault(VenueFaultKind.RESPELLED, nth)) is not None:
                same = self._payload(planned, _STRONG, otherwise=True)
                world.await_after(respelled.seconds, lambda: self._send_until_acknowledged(same))
            if (mutated := world.due_fault(VenueFaultKind.MUTATED, nth)) is not None:
                other = self._mutated(planned)
                world.await_after(mutated.seconds, lambda: self._send_until_acknowledged(other))
            if (flood := world.due_fault(VenueFaultKind.FLOOD, nth)) is not None:
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
            self.given.append(Given(payload, self._world.now_ns()))
            self._give(Raw(payload, may_say_now=True, reply=reply))

    def _mutated(self, planned: Planned) -> bytes:
        """Other content: another price where there is one, else another quantity, else another strength."""
        if planned.price is not None:
            return self._payload(replace(planned, price=planned.price * _MORE), _STRONG)
        if planned.quantity is not None:
            return self._payload(replace(planned, quantity=planned.quantity * _MORE), _STRONG)
        return self._payload(planned, _OTHERWISE)

    def _payload(self, planned: Planned, strength: float, *, otherwise: bool = False) -> bytes:
        said: dict[str, object] = {"symbol": planned.symbol, "side": planned.side, "strength": strength}
        if planned.price is not None:
            said["price"] = _number(self._prices[planned.symbol], planned.price, otherwise=otherwise)
        if planned.quantity is not None:
            said["quantity"] = _number(self._amounts[planned.symbol], planned.quantity, otherwise=otherwise)
        if planned.order_type is not None:
            said["order_type"] = planned.order_type
        said["source"] = self._name
        if planned.stamped:
            made_ns = self._world.start_ns + int(planned.at_s * 1e9)
            said["timestamp"] = made_ns // 1_000_000
        else:
            said |= {"timestamp": "now", "key": planned.key}
        return msgspec.json.encode(dict(reversed(said.items())) if otherwise else said)


def _number(whole: Decimal, part: float, *, otherwise: bool) -> str:
    number = (whole * Decimal(str(part))).quantize(_DIGITS)
    return f"{number}00" if otherwise else str(number.normalize())
