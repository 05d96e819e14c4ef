"""Whether a venue that failed several times in a row answers again: asked with a read, never with an order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from streams.availability import FOR_EVER, Availability
from tidegate.clock import Clock
from tidegate.domain.ports import Venue
from tidegate.domain.reasons import Reason
from tidegate.domain.verdict import Refusal

__all__ = ["probe"]


def probe(
    availability: Availability, venues: Mapping[str, Venue], *, clock: Clock
) -> Callable[[Observable[str]], Observable[str]]:
    """Read the balances of each account whose circuit opened, once its time is over, until its venue answers.

        -a-------|     the circuit of a opens; the second read is answered
        -----a---|

    Emits when:      an account need not be probed any more: it answered, or takes no order for good.
    Completes when:  never.
    Errors when:     upstream errors.
    Memory:          one task for each account that is probed.
    """

    def stage(source: Observable[str]) -> Observable[str]:
        def subscribe(observer: abc.ObserverBase[str], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            stops: dict[str, Callable[[], object]] = {}

            def begin(trader: str) -> None:
                if trader in venues and trader not in stops:
                    stops[trader] = clock.run(lambda: until_answered(trader), name=f"probe of {trader}")

            async def until_answered(trader: str) -> None:
                while (due_ns := availability.probe_due_ns(trader)) is not None and due_ns < FOR_EVER:
                    if clock.now_ns() < due_ns:
                        await clock.sleep_until(due_ns)
                        continue  # it may have been banned meanwhile
                    availability.report_probe(trader, clock.now_ns(), await _failure_of(venues[trader]))
                stops.pop(trader, None)
                observer.on_next(trader)

            def stop() -> None:
                for stop_one in list(stops.values()):
                    stop_one()

            return CompositeDisposable(source.subscribe(begin, observer.on_error), Disposable(stop))

        return Observable(subscribe)

    return stage


async def _failure_of(venue: Venue) -> Refusal | None:
    try:
        await venue.balances()
    except Exception as error:  # any error at all is no answer
        return Refusal(Reason.NO_ANSWER, measured=f"{type(error).__name__}: {error}")
    return None
