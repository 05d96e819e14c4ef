"""The server's side of a websocket (RFC 6455), as far as an exchange needs it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from enum import IntEnum

from tidegate.emulator.wire import Connection, Request, reset_transport

__all__ = ["WebsocketConnection", "accepted_key", "wants_websocket"]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FINAL, _MASKED = 0x80, 0x80
_SHORT_MAX, _TWO_BYTES, _EIGHT_BYTES = 125, 126, 127


class _Opcode(IntEnum):
    CONTINUED = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


def wants_websocket(request: Request) -> bool:
    """Whether a request asks for a websocket."""
    return request.headers.get("upgrade", "").lower() == "websocket" and "sec-websocket-key" in request.headers


def accepted_key(request: Request) -> str:
    """What proves to the client that its handshake was understood."""
    key = request.headers["sec-websocket-key"].encode()
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest()).decode()


class WebsocketConnection(asyncio.Protocol):
    """One client's websocket: `on_text` gets each message of it, `on_gone` is called once it has ended.

    Pings are answered; whatever else than text comes is left out. Memory: one message.
    """

    def __init__(
        self,
        on_text: Callable[[WebsocketConnection, str], None],
        on_gone: Callable[[WebsocketConnection], None],
        connections: set[Connection],
    ) -> None:
        self._on_text, self._on_gone, self._connections = on_text, on_gone, connections
        self._buffer = b""
        self._message = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is done."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The client has gone."""
        self._transport = None
        self._connections.discard(self)
        self._on_gone(self)

    def data_received(self, data: bytes) -> None:
        """More of a frame, or of several."""
        self._buffer += data
        while (frame := self._next()) is not None:
            opcode, final, payload = frame
            if opcode is _Opcode.PING:
                self._send(_Opcode.PONG, payload)
            elif opcode is _Opcode.CLOSE:
                self._send(_Opcode.CLOSE, payload[:2])
                self.end()
            elif opcode in (_Opcode.TEXT, _Opcode.CONTINUED):
                self._message += payload
                if final:
                    message, self._message = self._message, b""
                    self._on_text(self, message.decode())

    def send(self, text: str) -> None:
        """Send a message; to a client that has gone, nothing."""
        self._send(_Opcode.TEXT, text.encode())

    def close(self) -> None:
        """Close it in good order."""
        self._send(_Opcode.CLOSE, (1001).to_bytes(2))
        self.end()

    def end(self) -> None:
        """Close the connection without a word."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Tear the connection down."""
        if self._transport is not None:
            reset_transport(self._transport)

    def _send(self, opcode: _Opcode, payload: bytes) -> None:
        if self._transport is None:
            return
        size = len(payload)
        if size <= _SHORT_MAX:
            length = bytes([size])
        elif size < 1 << 16:
            length = bytes([_TWO_BYTES]) + size.to_bytes(2)
        else:
            length = bytes([_EIGHT_BYTES]) + size.to_bytes(8)
        self._transport.write(bytes([_FINAL | opcode]) + length + payload)

    def _next(self) -> tuple[_Opcode, bool, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, at = buffer[1] & ~_MASKED, 2
        if size >= _TWO_BYTES:
            wide = 2 if size == _TWO_BYTES else 8
            size, at = int.from_bytes(buffer[2 : 2 + wide]), 2 + wide
        masked = 4 if buffer[1] & _MASKED else 0
        if len(buffer) < at + masked + size:
            return None
        mask, payload = buffer[at : at + masked], buffer[at + masked : at + masked + size]
        self._buffer = buffer[at + masked + size :]
        if mask:
            payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        return _Opcode(buffer[0] & 0x0F), bool(buffer[0] & _FINAL), payload
