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


_FIGURE_OF_LATENCY = "latency.{per_s}.to_{what}.pipeline_to_bare_loop_{share}_ratio"

TARGETS = (
    Target("flat out, signals/s beside the bare loop", "throughput.flat_out.pipeline_to_bare_loop_ratio", ">= 0.65"),
    Target(
        "the same beside a bare loop that writes group records",
        "throughput.flat_out.pipeline_to_bare_groups_ratio",
        "for comparison",
    ),
    Target("groups of 100, beside the bare loop", "throughput.groups.100.pipeline_to_bare_loop_ratio", ">= 0.65"),
    Target("groups of 100, beside plain RxPY", "throughput.groups.100.pipeline_to_plain_rx_ratio", "> 1"),
    *(
        Target(
            f"{per_s:,}/s: {share} to the {what}",
            _FIGURE_OF_LATENCY.format(per_s=per_s, what=what, share=share),
            "<= 1.5" if share == "p50" else "<= 2",
        )
        for per_s in (1_000, 5_000)
        for what in ("acknowledgement", "order")
        for share in ("p50", "p99")
    ),
    Target("20,000/s: growth of the backlog, signals/s", "sustained.backlog_growth_per_s", "about 0"),
    Target("20,000/s: turned away", "sustained.turned_away", "0"),
    Target("20,000/s: p99 to the acknowledgement, ms", "sustained.pipeline_to_acknowledgement_ms.p99", "< 100"),
    Target("20,000/s: p99 to the order, ms", "sustained.pipeline_to_order_ms.p99", "< 100"),
    Target("60,000/s: share that is admitted", "overload.admitted_share", "for comparison"),
    Target("60,000/s: p99 of the admitted, ms", "overload.to_acknowledgement_ms.p99", "<= `intake.max_delay_ms`"),
    Target("60,000/s: the slowest admitted, of the delay", "overload.slowest_to_max_delay_ratio", "<= 1"),
    Target("60,000/s: p50 until the others are told, ms", "overload.turned_away_told_ms.p50", "short"),
    Target("the generator's share of the time at 60,000/s", "overload.generator_share", "small"),
    Target("10,000 at once: turned away", "bursts.turned_away", "0"),
    Target("10,000 at once: p99 to the order, ms", "bursts.pipeline_to_order_ms.p99", "for comparison"),
    Target("the same beside the bare loop", "bursts.pipeline_to_bare_loop_p99_ratio", "<= 2"),
    Target("10,000/s for ten minutes: turned away", "tail.turned_away", "0"),
    Target("the same: p99.9 to the acknowledgement, ms", "tail.to_acknowledgement_ms.p99_9", "short"),
    Target("the same: p99.9 near a checkpoint, ms", "tail.near_a_checkpoint_ms.p99_9", "about that elsewhere"),
    Target("the same: p99.9 elsewhere, ms", "tail.elsewhere_ms.p99_9", "for comparison"),
    Target("cost of a signal: 100 symbols to 10", "symbols.100.pipeline_to_10_symbols_ratio", "<= 1.1"),
    Target("cost of a signal: 1,000 symbols to 10", "symbols.1000.pipeline_to_10_symbols_ratio", "<= 1.1"),
    Target("CPU of a signal: 1,000 waiting to 10", "waiting.1000.pipeline_cpu_to_10_waiting_ratio", "<= 1.1"),
    Target("CPU of a signal: 10,000 waiting to 10", "waiting.10000.pipeline_cpu_to_10_waiting_ratio", "<= 1.1"),
    Target(
        "a look of a strategy: 50 symbols of 10 strategies each to 5 of 1", "strategies.50x10.look_to_5x1_ratio", "<= 1"
    ),
    Target("cost of a signal: long past to empty journal", "past.long_past_to_empty_ratio", "<= 1.1"),
    Target("the same for the bare loop", "past.bare_loop_long_past_to_empty_ratio", "for comparison"),
    Target("journal, bytes for each placed signal", "journal_bytes.per_placed_signal", "< 500"),
    Target("finding an order by its id, over 300,000 events, us", "lookups.found_us", "flat"),
    Target("memory, bytes for each closed signal", "memory.python_bytes_per_closed_signal", "about 0"),
    Target("start with a long past, s", "start_up_with_a_past.long_past.wall_s", "< 1"),
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
    Target("orders/s over loopback, durably, beside bare ccxt", "venues.loopback.pipeline_to_ccxt_ratio", ">= 0.7"),
    Target("commits that an order pays which comes alone", "venues.lonely.on_top_to_commit_ratio", "< 2"),
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
