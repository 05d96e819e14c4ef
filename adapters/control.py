"""Talking to a running pipeline: a local socket beside its journal, one line of JSON each way."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

from adapters.sqlite_file import path_of
from domain.errors import ThroughlineError

__all__ = ["Answerer", "Json", "NotRunning", "answer", "ask", "socket_path"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Answerer: TypeAlias = Callable[[Mapping[str, Json]], Awaitable[dict[str, Json]]]

_LONGEST_PATH = 100  # the kernel takes 108 bytes
_LONGEST_LINE = 1 << 20
_PATIENCE_S = 30.0


class NotRunning(ThroughlineError):
    """No pipeline is running on this journal."""


def socket_path(journal_url: str) -> Path:
    """Where the pipeline that writes this journal listens: beside it, or, where that path is too long, in /tmp."""
    path = Path(f"{path_of(journal_url)}.sock").resolve()
    if len(str(path).encode()) <= _LONGEST_PATH:
        return path
    name = blake2b(str(path).encode(), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"throughline-{name}.sock"


async def answer(journal_url: str, answerer: Answerer) -> Callable[[], None]:
    """Listen, for this user only, until the function returned is called. The journal's lock must be held."""
    path = socket_path(journal_url)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                try:
                    reply = await answerer(json.loads(line))
                except (ThroughlineError, ValueError, KeyError, TypeError) as error:
                    reply = {"error": str(error) or type(error).__name__}
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, path, limit=_LONGEST_LINE)
    path.chmod(0o600)

    def close() -> None:
        server.close()
        path.unlink(missing_ok=True)

    return close


async def ask(journal_url: str, request: Mapping[str, Json], *, patience_s: float = _PATIENCE_S) -> dict[str, Json]:
    """Ask the pipeline that writes this journal, and wait up to `patience_s` for its answer.

    Raises:
        NotRunning: there is none, or it does not answer.
        ThroughlineError: it refused; the message says why.
    """
    path = socket_path(journal_url)
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=_LONGEST_LINE)
    except OSError:
        raise NotRunning(f"no pipeline is running on {path_of(journal_url)}: start one with `run`") from None
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        line = await asyncio.wait_for(reader.readline(), patience_s)
    except (OSError, TimeoutError):
        line = b""
    finally:
        writer.close()
    if not line:
        raise NotRunning(f"the pipeline on {path_of(journal_url)} does not answer")
    reply: dict[str, Json] = json.loads(line)
    if "error" in reply:
        raise ThroughlineError(str(reply["error"]))
    return reply
