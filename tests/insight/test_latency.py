from math import ceil
from random import Random

import pytest

from tidegate.insight.latency import Latencies


def exact_ms(durations_ns, share):
    ordered = sorted(durations_ns)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] / 1e6


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.99, 1.0])
@pytest.mark.parametrize("typical_ns", [300, 2_000, 50_000, 1_000_000, 40_000_000, 30_000_000_000])
def test_a_quantile_is_within_five_percent(share, typical_ns):
    random = Random(typical_ns)
    durations_ns = [int(random.lognormvariate(0, 1) * typical_ns) for _ in range(500)]
    latencies = Latencies()
    for duration_ns in durations_ns:
        latencies.add(duration_ns)
    assert latencies.quantile_ms(share) == pytest.approx(exact_ms(durations_ns, share), rel=0.05)


@pytest.mark.parametrize("duration_ns", [1, 15, 16, 17, 31, 32, 33, 999, 1024, 65_535, 10**6, 2**40 - 1, 2**40, 10**15])
def test_one_duration_is_its_own_quantile_within_five_percent(duration_ns):
    latencies = Latencies()
    latencies.add(duration_ns)
    assert latencies.quantile_ms(0.5) == pytest.approx(duration_ns / 1e6, rel=0.05)


def test_a_negative_duration_counts_as_none_and_no_duration_has_no_quantile():
    latencies = Latencies()
    assert latencies.quantile_ms(0.5) is None
    latencies.add(-5)
    assert latencies.quantile_ms(0.5) == 0


def test_a_copy_stays_as_it_was():
    latencies = Latencies()
    latencies.add(1_000_000)
    before = latencies.copy()
    for _ in range(9):
        latencies.add(1_000_000_000)
    assert (before.count, latencies.count) == (1, 10)
    assert before.quantile_ms(0.99) < 2 < latencies.quantile_ms(0.99)


def test_memory_is_bounded():
    latencies = Latencies()
    for power in range(63):
        for part in range(64):
            latencies.add(2**power + 2**power * part // 64)
    assert len(latencies._buckets) < 1000
