"""Targets, and where each figure is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.formatting import Figure, Figures, flattened

__all__ = ["TARGETS", "Target", "markdown"]


@dataclass(frozen=True, slots=True)
class Target:
    """A claim, the path of the figure that it is about, and what that should be."""

    what: str
    path: str
    aim: str


TARGETS = (
    Target("flat out, signals/s beside the bare loop", "throughput.flat_out.pipeline_to_bare_loop_ratio", ">= 0.6"),
    Target("groups of 100, beside the bare loop", "throughput.groups.100.pipeline_to_bare_loop_ratio", ">= 0.6"),
    Target("groups of 100, beside plain RxPY", "throughput.groups.100.pipeline_to_plain_rx_ratio", "> 1"),
    Target("1,000/s: p50 to the order", "latency.1000.to_order.pipeline_to_bare_loop_p50_ratio", "<= 1.5"),
    Target("1,000/s: p99 to the order", "latency.1000.to_order.pipeline_to_bare_loop_p99_ratio", "<= 2"),
    Target(
        "1,000/s: p50 to the acknowledgement",
        "latency.1000.to_acknowledgement.pipeline_to_bare_loop_p50_ratio",
        "<= 1.5",
    ),
    Target(
        "1,000/s: p99 to the acknowledgement", "latency.1000.to_acknowledgement.pipeline_to_bare_loop_p99_ratio", "<= 2"
    ),
    Target("20,000/s: growth of the backlog, signals/s", "sustained.backlog_growth_per_s", "about 0"),
    Target("20,000/s: turned away", "sustained.turned_away", "0"),
    Target("cost of a signal: 100 symbols to 10", "symbols.100.pipeline_to_10_symbols_ratio", "about 1"),
    Target("cost of a signal: 1,000 symbols to 10", "symbols.1000.pipeline_to_10_symbols_ratio", "about 1"),
    Target("cost of a signal: long past to empty journal", "past.long_past_to_empty_ratio", "about 1"),
    Target("the same for the bare loop", "past.bare_loop_long_past_to_empty_ratio", "for comparison"),
    Target("finding an order by its id, over 300,000 events, us", "lookups.found_us", "flat"),
    Target("memory, bytes for each closed signal", "memory.python_bytes_per_closed_signal", "about 0"),
    Target("start with a long past, s", "start_up_with_a_past.long_past.wall_s", "short"),
    Target("memory with a long past, MB", "start_up_with_a_past.long_past.resident_mb", "that of the open ones"),
    Target("a year of ten symbols' 5m candles, s", "replaying.candles.a_year_s", "<= 25"),
    Target("the same with one quiet strategy, s", "replaying.candles_quiet.a_year_s", "<= 12"),
    Target("a candle without strategies, CPU us", "replaying.candles_alone.cpu_us_a_candle", "<= 4"),
    Target("replay, signals/s that flood in", "replaying.signals_flooding.signals_per_s", ">= 30,000"),
    Target("`run.py --help`, CPU s", "start_up.help_cpu_s", "short"),
    Target("first tick, CPU s", "start_up.first_tick_cpu_s", "short"),
    Target("heavy imports until then", "start_up.heavy_imports", "none"),
    Target("an order's CPU on top of ccxt's own: the venue", "venues.stubbed.venue_on_top_to_ccxt_ratio", "<= 0.25"),
    Target("the same: the whole pipeline, durably", "venues.stubbed.pipeline_on_top_to_ccxt_ratio", "for comparison"),
    Target("orders/s over loopback, durably, beside bare ccxt", "venues.loopback.pipeline_to_ccxt_ratio", ">= 0.9"),
)


def markdown(benches: Mapping[str, Figures]) -> Iterator[str]:
    """The lines of a table of targets, with what was measured so far."""
    figures: dict[str, Figure] = {}
    for name, bench in benches.items():
        measured = bench.get("figures")
        if isinstance(measured, Mapping):
            figures.update(flattened(measured, f"{name}."))
    yield "| What | Figure | Aim |"
    yield "|---|--:|---|"
    for target in TARGETS:
        yield f"| {target.what} | {_text(figures.get(target.path))} | {target.aim} |"


def _text(figure: Figure) -> str:
    if figure is None:
        return ""
    return "none" if figure == [] else f"{figure:,}" if isinstance(figure, int | float) else str(figure)
