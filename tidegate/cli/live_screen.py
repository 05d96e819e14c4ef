"""A screen over the whole terminal, drawn beside the pipeline's loop."""

from __future__ import annotations

import asyncio
import io
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TextIO

from tidegate.clock import Clock
from tidegate.insight.view import View

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["LiveScreen", "LogTail", "Picture"]

_REFRESH_S = 0.25
_LOG_KEPT = 200


class Picture:
    """A view, drawn to fit wherever it is printed."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from tidegate.cli.screen import screen

        yield screen(self._view, width=options.max_width, height=console.height)


class LogTail(io.TextIOBase):
    """Replaces standard error while a screen covers the terminal: keeps the last 200 lines for afterwards."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LOG_KEPT)

    @property
    def last(self) -> str:
        """The line that was written last."""
        return self._lines[-1] if self._lines else ""

    def write(self, text: str) -> int:
        """Keep the lines of a text."""
        self._lines.extend(text.splitlines(keepends=True))
        return len(text)

    def give_back(self, out: TextIO) -> None:
        """Write everything that was kept to where it belongs, and forget it."""
        out.writelines(self._lines)
        self._lines.clear()


class LiveScreen:
    """Keeps what `view` gives on the terminal's alternate screen, drawn four times a second by a thread of its own.

    The loop only takes the view. While a picture is still being drawn, the next one is left out. What is logged
    meanwhile goes to `log`, and below the last picture, which stays when this ends. `gone` is called when the terminal
    cannot be written to any more.
    """

    def __init__(
        self,
        view: Callable[[], View],
        console: Console,
        *,
        clock: Clock,
        log: LogTail,
        gone: Callable[[Exception], None],
    ) -> None:
        from rich.live import Live

        self._view, self._console, self._clock, self._log, self._gone = view, console, clock, log, gone
        self._live = Live(
            console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._drawer = ThreadPoolExecutor(1, thread_name_prefix="screen")
        self._drawing: asyncio.Future[None] | None = None
        self._stderr: TextIO | None = None

    def __enter__(self) -> LiveScreen:
        if sys.stderr.isatty():
            self._stderr, sys.stderr = sys.stderr, self._log
        self._live.start()
        points = self._clock.grid(_REFRESH_S, first_after_s=_REFRESH_S)
        self._points = points.subscribe(self._draw)
        self._draw(0)
        return self

    def __exit__(self, *_: object) -> None:
        self._points.dispose()
        self._drawer.shutdown()
        self._live.stop()
        self._console.print(Picture(self._view()))
        if self._stderr is not None:
            sys.stderr = self._stderr
            self._log.give_back(self._stderr)

    def _draw(self, _: int) -> None:
        if self._drawing is None or self._drawing.done():
            self._drawing = self._clock.loop.run_in_executor(self._drawer, self._show, self._view())
            self._drawing.add_done_callback(self._drawn)

    def _show(self, view: View) -> None:
        self._live.update(Picture(view), refresh=True)

    def _drawn(self, drawing: asyncio.Future[None]) -> None:
        error = None if drawing.cancelled() else drawing.exception()
        if isinstance(error, Exception):
            self._points.dispose()
            self._gone(error)
