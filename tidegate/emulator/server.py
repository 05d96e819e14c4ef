"""An exchange with an address, to be spoken to over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import TracebackType

import msgspec
from msgspec import Struct

from tidegate.emulator.binance import Binance
from tidegate.emulator.bybit import Bybit
from tidegate.emulator.certificate import server_context
from tidegate.emulator.connecting import DialectName, settings_for
from tidegate.emulator.control import control
from tidegate.emulator.dialect import Dialect
from tidegate.emulator.faults import Fault, Faults
from tidegate.emulator.limits import RequestLimits
from tidegate.emulator.listing import ListedSymbol, usual_listings
from tidegate.emulator.service import Service
from tidegate.emulator.websocket import WebsocketConnection, accepted_key, wants_websocket
from tidegate.emulator.wire import Answer, Connection, HttpConnection, Reply, Request, Upgrade

__all__ = ["LocalExchange"]

_DIALECTS: Mapping[DialectName, Callable[[], Dialect]] = {"binance": Binance, "bybit": Bybit}
_SECRETS = {"key": "secret"}
_BALANCES = {
    "USDT": Decimal(1_000_000),
    "BTC": Decimal(100),
    "ETH": Decimal(1000),
    "SOL": Decimal(10_000),
    "BNB": Decimal(100),
}


class _Down(Struct, forbid_unknown_fields=True):
    seconds: float


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class LocalExchange(Service):
    """A local exchange that speaks like `binance` or `bybit`: `async with LocalExchange("binance") as exchange: ...`.

    It listens at `address` between `start` and `stop`, and refuses connections while it is `down`. `faults` is what
    goes wrong, `seed` decides over chances. Everything else is as `Service` has it.
    """

    def __init__(
        self,
        dialect: DialectName,
        *,
        faults: Iterable[Fault] = (),
        seed: int = 0,
        secrets: Mapping[str, str] = _SECRETS,
        balances: Mapping[str, Decimal] | None = None,
        listings: Iterable[ListedSymbol] | None = None,
        lag_s: float = 0.0,
        now_ms: Callable[[], int] = _wall_clock_ms,
        port: int = 0,
        tls: bool = False,
        limits: RequestLimits | None = None,
    ) -> None:
        super().__init__(
            _DIALECTS[dialect](),
            secrets=secrets,
            balances=_BALANCES if balances is None else balances,
            listings=usual_listings() if listings is None else listings,
            faults=Faults(faults, seed=seed),
            lag_s=lag_s,
            now_ms=now_ms,
            wake=lambda delay_s, call: asyncio.get_running_loop().call_later(delay_s, call),
            limits=limits,
        )
        self.dialect = dialect
        self._port = port
        self._tls = server_context() if tls else None
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._return: asyncio.TimerHandle | None = None
        self._starting: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """Where it is: `http://127.0.0.1:40123`."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def settings(self) -> dict[str, object]:
        """The settings of a ccxt class for the first account, keys and all."""
        account = next(iter(self.accounts.values()))
        return {**settings_for(self.dialect, self.address), "apiKey": account.api_key, "secret": account.secret}

    async def start(self) -> None:
        """Listen; after an outage, at the same address as before."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpConnection(self._receive, self._connections),
            "127.0.0.1",
            self._port,
            ssl=self._tls,
            backlog=1024,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Stop listening and end every connection; the ledger stays, and `start` ends the outage."""
        if self._return is not None:
            self._return.cancel()
        self._close_door()
        for connection in list(self._connections):
            connection.end()

    def go_down(self, seconds: float) -> None:
        """Be away for some seconds: connections are refused."""
        self.stop()
        self._return = asyncio.get_running_loop().call_later(seconds, self._come_back)

    async def __aenter__(self) -> LocalExchange:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _receive(self, request: Request, answer: Answer) -> None:
        if wants_websocket(request) and request.path == self.streams.path:
            client = WebsocketConnection(self.streams.receive, self.streams.gone, self._connections)
            headers = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accepted_key(request)}\r\n"
            answer(Upgrade(headers, client))
        elif request.path == "/-/down":
            self._go_down_as_asked(request, answer)
        elif request.path.startswith("/-/"):
            answer(control(self, request))
        else:
            self.handle(request, answer)

    def _go_down_as_asked(self, request: Request, answer: Answer) -> None:
        try:
            seconds = msgspec.json.decode(request.body, type=_Down).seconds
        except msgspec.ValidationError as error:
            answer(Reply(msgspec.json.encode({"error": str(error)}), status=400))
            return
        self._close_door()  # before the client can ask again
        answer(Reply(b"{}"))
        self.go_down(seconds)

    def _close_door(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _come_back(self) -> None:
        self._starting = asyncio.get_running_loop().create_task(self.start())
