"""The socket of a running pipeline: where it is, who may use it, and what it takes."""

import asyncio
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidegate.domain.errors import JournalRefused, TidegateError
from tidegate.sources.control import NotRunning, answer, ask, socket_path


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


@pytest.fixture
def far(tmp_path: Path, monkeypatch) -> Iterator[str]:
    """A journal whose path is too long for a socket; the shared folder is the test's own."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as shared:
        monkeypatch.setattr(tempfile, "tempdir", shared)
        yield f"sqlite:///{folder}/journal.db"


async def echo(request):
    return {"asked": request}


def asked(url: str, request, *, at: str | None = None):
    """What a pipeline answers that listens meanwhile."""

    async def both():
        close = await answer(url, echo)
        try:
            return await ask(at or url, request)
        finally:
            close()

    return asyncio.run(both())


def test_it_is_asked_through_a_socket_that_only_its_owner_may_use(url):
    async def look():
        before = os.umask(0)
        close = await answer(url, echo)
        os.umask(before)
        mode = stat.S_IMODE(socket_path(url).lstat().st_mode)
        close()
        return mode

    assert asked(url, {"do": "x"}) == {"asked": {"do": "x"}}
    assert asyncio.run(look()) == 0o600
    assert not socket_path(url).exists()


def test_whatever_the_journal_is_called_it_is_the_same_pipeline(url, tmp_path):
    (tmp_path / "journal.db").touch()
    (tmp_path / "link.db").symlink_to("journal.db")
    assert asked(url, {"do": "x"}, at=f"sqlite:///{tmp_path}/link.db") == {"asked": {"do": "x"}}


def test_nobody_listens(url):
    with pytest.raises(NotRunning):
        asyncio.run(ask(url, {}))


def test_a_long_path_has_its_socket_in_a_folder_that_nobody_else_may_enter(far):
    assert asked(far, {"do": "x"}) == {"asked": {"do": "x"}}
    folder = socket_path(far).parent
    assert folder.parent == Path(tempfile.gettempdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert str(os.geteuid()) in folder.name


def of_a_link(folder: Path) -> None:
    elsewhere = folder.parent / "mine"
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)


def of_a_link_to_nowhere(folder: Path) -> None:
    folder.symlink_to(folder.parent / "nowhere")


def open_to_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def of_another_user(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)


@pytest.mark.parametrize("prepared", [of_a_link, of_a_link_to_nowhere, open_to_all, of_another_user])
def test_a_folder_that_others_prepared_is_not_used(far, prepared):
    if prepared is of_another_user and os.geteuid():
        pytest.skip("only root can give a folder away")
    prepared(socket_path(far).parent)
    with pytest.raises(JournalRefused, match=r"another user's, or lets others in.* set TMPDIR"):
        asyncio.run(answer(far, echo))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_socket_of_another_user_is_not_talked_to(url, tmp_path):
    async def both():
        close = await answer(url, echo)
        os.chown(socket_path(url), 12345, 12345)
        try:
            return await ask(url, {"do": "x"})
        finally:
            close()

    with pytest.raises(TidegateError, match="was made by another user"):
        asyncio.run(both())
    (tmp_path / "journal.db").touch()
    os.chown(tmp_path / "journal.db", 12345, 12345)
    assert asyncio.run(both()) == {"asked": {"do": "x"}}  # root, asking for the one whose journal it is


def test_text_that_no_file_takes_is_made_safe_before_anybody_sees_it(url):
    request = {"do": "f\udcfcr", "k\udcfcy": ["\ud800", 1, None, {"deep": "\udfff"}]}
    assert asked(url, request) == {"asked": {"do": r"f\xfcr", r"k\xfcy": [r"\ud800", 1, None, {"deep": r"\udfff"}]}}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"[1]\n", "a request is an object"),
        (b"not json\n", "Expecting value"),
        (b"[" * 100_000 + b"\n", "recursion"),
        (b"\xff\n", "decode"),
    ],
)
def test_whatever_is_sent_is_answered(url, line, says):
    async def send():
        close = await answer(url, echo)
        reader, writer = await asyncio.open_unix_connection(socket_path(url))
        writer.write(line)
        told = await reader.readline()
        writer.close()
        close()
        return told.decode()

    assert says in asyncio.run(send())
