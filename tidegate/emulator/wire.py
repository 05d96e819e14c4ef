"""HTTP/1.1 as far as an exchange needs it, and all the ways in which an answer can fail to arrive."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from enum import Enum
from http import HTTPStatus
from typing import Protocol, TypeAlias

from msgspec import Struct

__all__ = ["Answer", "Connection", "HttpConnection", "Reply", "Request", "Silence", "Upgrade", "reset_transport"]

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Request(Struct, frozen=True, gc=False):
    """One request as it came. The headers' names are in lower case, the query is still encoded."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Reply(Struct, frozen=True, gc=False):
    """One answer. `missing` bytes more are announced than sent, and then the connection is closed."""

    body: bytes
    status: int = 200
    content_type: str = "application/json;charset=UTF-8"
    headers: str = ""
    missing: int = 0

    def encoded(self) -> bytes:
        """The bytes on the wire."""
        head = (
            f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, 'Unknown')}\r\nContent-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body) + self.missing}\r\n{self.headers}\r\n"
        )
        return head.encode() + self.body


class Silence(Enum):
    """No answer."""

    HANG = "the connection stays open, and nothing comes"
    CLOSE = "the connection is closed in good order"
    RESET = "the connection is torn down"


class Connection(Protocol):
    """A client's connection, whatever is spoken on it."""

    def end(self) -> None:
        """Close it."""
        ...


class Upgrade(Struct, frozen=True, gc=False):
    """From now on the connection speaks another protocol."""

    headers: str
    protocol: asyncio.Protocol


Answer: TypeAlias = Callable[[Reply | Silence | Upgrade], None]


def reset_transport(transport: asyncio.Transport) -> None:
    """Tear a connection down, so that the client notices at once."""
    linger = transport.get_extra_info("socket")
    linger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


class HttpConnection(asyncio.Protocol):
    """One client's connection: `handle` is given each request and how to answer it, now or later.

    `connections` holds those that are open. A request is not read before the one before it was answered.
    Memory: one request.
    """

    __slots__ = ("_buffer", "_busy", "_connections", "_handle", "_transport")

    def __init__(self, handle: Callable[[Request, Answer], None], connections: set[Connection]) -> None:
        self._handle = handle
        self._connections = connections
        self._buffer = b""
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The client has gone; what is answered from now on goes nowhere."""
        self._transport = None
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """More of a request, or of several."""
        self._buffer += data
        while not self._busy and (request := self._next()) is not None:
            self._busy = True
            self._handle(request, self._answer)

    def end(self) -> None:
        """Close the connection where nothing is asked, tear it down where somebody waits for an answer."""
        if self._busy:
            self.reset()
        elif self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Reset the connection, so that the client sees it."""
        if self._transport is not None:
            reset_transport(self._transport)

    def _next(self) -> Request | None:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return None
        line, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ", 2)
        headers = {}
        for header in lines:
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, rest[:length])

    def _answer(self, reply: Reply | Silence | Upgrade) -> None:
        if self._transport is None or reply is Silence.HANG:
            return
        self._busy = False
        if isinstance(reply, Upgrade):
            self._upgrade(self._transport, reply)
        elif reply is Silence.RESET:
            self.reset()
        elif reply is Silence.CLOSE:
            self._transport.close()
        else:
            assert isinstance(reply, Reply)  # noqa: S101
            self._transport.write(reply.encoded())
            if reply.missing:
                self._transport.close()
            elif self._buffer:
                self.data_received(b"")

    def _upgrade(self, transport: asyncio.Transport, to: Upgrade) -> None:
        transport.write(f"HTTP/1.1 101 Switching Protocols\r\n{to.headers}\r\n".encode())
        self._transport = None
        self._connections.discard(self)
        transport.set_protocol(to.protocol)
        to.protocol.connection_made(transport)
        if self._buffer:
            to.protocol.data_received(self._buffer)
