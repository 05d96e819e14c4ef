"""Talking to a running pipeline: a local socket beside its journal, one line of JSON each way."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from stat import S_ISDIR
from typing import TypeAlias

from tidegate.domain.errors import JournalRefused, TidegateError
from tidegate.domain.text import encodable
from tidegate.files.owner_only import make_folder
from tidegate.journal import path_of

__all__ = ["Answerer", "Json", "NotRunning", "answer", "ask", "socket_path"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Answerer: TypeAlias = Callable[[Mapping[str, Json]], Awaitable[dict[str, Json]]]

_LONGEST_PATH = 100  # the kernel takes 108 bytes
_LONGEST_FOLDER = 50
_LONGEST_LINE = 1 << 20
_PATIENCE_S = 30.0


class NotRunning(TidegateError):
    """No pipeline is running on this journal."""


def socket_path(journal_url: str) -> Path:
    """Where the pipeline that writes this journal listens; one place, whichever path names the journal.

    That is beside the journal, or, where that path is too long for a socket, in a folder of this user's.
    """
    path = Path(f"{os.path.realpath(path_of(journal_url))}.sock")
    if len(str(path).encode()) <= _LONGEST_PATH:
        return path
    name = blake2b(str(path).encode(), digest_size=8).hexdigest()
    return _elsewhere() / f"{name}.sock"


async def answer(journal_url: str, answerer: Answerer) -> Callable[[], None]:
    """Listen, for this user only, until the function returned is called. The journal's lock must be held.

    Raises:
        JournalRefused: the socket's folder belongs to another user, is open to others, or cannot be made.
    """
    path = socket_path(journal_url)
    if path.parent == _elsewhere():
        _own(path.parent)
    path.unlink(missing_ok=True)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                try:
                    reply = await answerer(_read(line))
                except (TidegateError, ValueError, KeyError, TypeError, RecursionError) as error:
                    reply = {"error": str(error) or type(error).__name__}
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):  # it went away, or its line is too long
            pass
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, sock=_bound(path), limit=_LONGEST_LINE)

    def close() -> None:
        server.close()
        path.unlink(missing_ok=True)

    return close


def _read(line: bytes) -> dict[str, Json]:
    request = _safe(json.loads(line))
    if not isinstance(request, dict):
        raise ValueError("a request is an object")
    return request


def _safe(value: Json) -> Json:
    """JSON may spell what no file takes."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list):
        return [_safe(item) for item in value]
    if isinstance(value, dict):
        return {encodable(name): _safe(item) for name, item in value.items()}
    return value


async def ask(journal_url: str, request: Mapping[str, Json], *, patience_s: float = _PATIENCE_S) -> dict[str, Json]:
    """Ask the pipeline that writes this journal, and wait up to `patience_s` for its answer.

    Raises:
        NotRunning: there is none, or it does not answer.
        TidegateError: it refused, or what listens is another user's; the message says why.
    """
    path = socket_path(journal_url)
    _must_be_ours(path, Path(path_of(journal_url)))
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
        raise TidegateError(str(reply["error"]))
    return reply


def _elsewhere() -> Path:
    folder = Path(tempfile.gettempdir())
    if len(str(folder).encode()) > _LONGEST_FOLDER:
        folder = Path("/tmp")  # noqa: S108 - a folder in it for this user only
    return folder / f"tidegate-{os.geteuid()}"


def _own(folder: Path) -> None:
    """Have a folder that only this user may enter, where others may make some of the same name."""
    with suppress(FileExistsError):
        make_folder(folder)
    status = folder.lstat()
    if not S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise JournalRefused(
            f"{folder} is another user's, or lets others in: the pipeline cannot be talked to through it. "
            "Remove it, give the journal a shorter path, or set TMPDIR to a folder of your own"
        )


def _must_be_ours(path: Path, journal: Path) -> None:
    """A socket is to be trusted that was made by this user, or by whom the journal belongs to."""
    try:
        maker = path.lstat().st_uid
    except OSError:
        return
    if maker not in {os.geteuid(), *([journal.stat().st_uid] if journal.exists() else [])}:
        raise TidegateError(f"{path} was made by another user, not by the pipeline that writes {journal}: remove it")


def _bound(path: Path) -> socket.socket:
    """A socket that no other user can connect to at any time."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        bound.bind(str(path))
    except OSError:
        bound.close()
        raise
    finally:
        os.umask(before)
    return bound
