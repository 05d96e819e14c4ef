"""Clients and servers of one process, connected in virtual time: no machine is too slow for them.

The bytes are those that would go over a socket. What is written arrives a millisecond later, in order.
"""

import asyncio
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from itertools import count
from unittest.mock import patch

from tidegate.clock import Clock, VirtualLoop

START_NS = 1_767_225_600_000_000_000
"""When it begins: 2026-01-01 00:00:00 UTC."""

_ARRIVES_AFTER_S = 0.001
_FIRST_PORT = 20_000


class NetworkLoop(VirtualLoop):
    """A virtual loop on which servers listen and clients connect. Use `running` to make it the machine's time."""

    def __init__(self) -> None:
        super().__init__()
        self._listening: dict[int, Callable[[], asyncio.Protocol]] = {}
        self._ports = count(_FIRST_PORT)
        self._dialled: dict[int, int] = {}

    def wall_ns(self) -> int:
        """What the machine's clocks show."""
        return START_NS + self.time_ns()

    def clock(self) -> Clock:
        """A live clock, in the loop's time."""
        return Clock(self, epoch_ns=START_NS, steady_ns=self.time_ns, wall_ns=self.wall_ns)

    async def create_server(self, factory, host, port, **_):
        port = port or next(self._ports)
        if port in self._listening:
            raise OSError(98, "address already in use")
        self._listening[port] = factory
        return _Server(self._listening, port)

    async def sock_connect(self, sock: socket.socket, address: tuple[str, int]) -> None:
        await asyncio.sleep(_ARRIVES_AFTER_S)
        if address[1] not in self._listening:
            raise ConnectionRefusedError(111, "nobody listens there", address)
        self._dialled[sock.fileno()] = address[1]

    async def create_connection(self, factory, *, sock: socket.socket, ssl=None, **_):
        assert ssl is None, "TLS needs real sockets"
        port = self._dialled.pop(sock.fileno())
        sock.close()
        ours, theirs = _End(self, factory()), _End(self, self._listening[port]())
        ours.other, theirs.other = theirs, ours
        theirs.protocol.connection_made(theirs)
        ours.protocol.connection_made(ours)
        return ours, ours.protocol


class _Server:
    def __init__(self, listening: dict[int, object], port: int) -> None:
        self._listening, self._port = listening, port
        self.sockets = [self]

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", self._port

    def close(self) -> None:
        self._listening.pop(self._port, None)


class _End(asyncio.Transport):
    """One end of a connection. It says of itself what a TCP socket would, as far as servers and clients ask."""

    other: "_End"

    def __init__(self, loop: NetworkLoop, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self._loop, self.protocol = loop, protocol
        self._closing = self._lost = self._paused = self._resets = False
        self._arrived: deque[Callable[[], None]] = deque()

    def write(self, data: bytes) -> None:
        if not self._closing:
            self._send(lambda: self.other.protocol.data_received(bytes(data)))

    def close(self) -> None:
        self._end(None)

    def abort(self) -> None:
        self._end(ConnectionResetError(104, "connection reset by peer") if self._resets else None)

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self._read()

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self if name == "socket" else default

    family = socket.AF_UNIX  # nothing of TCP is set on it

    def setsockopt(self, level: int, option: int, value: object) -> None:
        self._resets |= option == socket.SO_LINGER

    def _send(self, arrives: Callable[[], None]) -> None:
        self._loop.call_later(_ARRIVES_AFTER_S, self.other._arrive, arrives)

    def _arrive(self, what: Callable[[], None]) -> None:
        self._arrived.append(what)
        self._read()

    def _read(self) -> None:
        while self._arrived and not self._paused and not self._lost:
            self._arrived.popleft()()

    def _end(self, error: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._send(lambda: self.other._hang_up(error))
            self._loop.call_soon(self._lose, None)

    def _hang_up(self, error: Exception | None) -> None:
        self._closing = True
        if error is None:
            self.protocol.eof_received()
        self._lose(error)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = self._closing = True
            self.protocol.connection_lost(error)


@contextmanager
def machine_time(loop: NetworkLoop):
    """Let the machine's wall clock be the loop's: ccxt signs with it."""
    with patch.object(time, "time_ns", loop.wall_ns), patch.object(time, "time", lambda: loop.wall_ns() / 1e9):
        yield


def run(scenario: Callable[[NetworkLoop], Awaitable]):
    """What `scenario(loop)` returns, in the time of its own loop."""
    loop = NetworkLoop()
    with machine_time(loop):
        try:
            return loop.run_until_complete(scenario(loop))
        finally:
            loop.close()
