"""What anybody may watch of a running pipeline: guarded streams, whose subscribers cannot harm it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from operators.record import Entered
from streams.broadcast import Broadcast
from streams.execution import ExecutionCycle
from streams.market import News
from tidegate.clock import Clock
from tidegate.domain import events as e
from tidegate.domain.market import Candle, Quote
from tidegate.domain.verdict import Verdict

__all__ = ["Published"]


class Published:
    """The streams of one running pipeline. A subscriber that raises, hangs or floods is dropped and reported by name.

    `events` are those of the journal, once they are committed; `verdicts` those of new signals, likewise, accepted and
    refused; `executions` the execution cycles, as they begin; `quotes` and `candles` those of the market followed.
    Incidents before `report_to` are kept for it. Memory: the subscribers, and one incident for each that is dropped.
    """

    def __init__(self, clock: Clock) -> None:
        self._report: Callable[[str, str], None] = lambda name, what: self._kept.append((name, what))
        self._kept: list[tuple[str, str]] = []

        def incident(name: str, what: str) -> None:
            self._report(name, what)

        self.events: Broadcast[e.Recorded] = Broadcast(clock=clock, incident=incident)
        self.verdicts: Broadcast[Verdict] = Broadcast(clock=clock, incident=incident)
        self.executions: Broadcast[ExecutionCycle] = Broadcast(clock=clock, incident=incident)
        self.quotes: Broadcast[Quote] = Broadcast(clock=clock, incident=incident)
        self.candles: Broadcast[Candle] = Broadcast(clock=clock, incident=incident)

    def report_to(self, incident: Callable[[str, str], None]) -> None:
        """Report each subscriber that is dropped, by name and with what it did; also those dropped before."""
        self._report = incident
        for name, what in self._kept:
            incident(name, what)
        self._kept.clear()

    def recorded(self, together: Sequence[Entered]) -> None:
        """Publish the verdicts of one commit, without those of redelivered signals."""
        self.verdicts.publish_all(entered.verdict for entered in together if not entered.known)

    def on_news(self, chunk: Sequence[News]) -> None:
        """Publish news of the market."""
        for news in chunk:
            if type(news) is Quote:
                self.quotes.publish(news)
            elif type(news) is Candle:
                self.candles.publish(news)

    def end(self, error: Exception | None = None) -> None:
        """End every stream, with the error if the pipeline broke."""
        for stream in (self.events, self.verdicts, self.executions, self.quotes, self.candles):
            stream.on_completed() if error is None else stream.on_error(error)
