"""Telemetry follows a pipeline's committed events, and costs nothing where no one asked for it."""

import pytest

from tidegate.insight.telemetry import Telemetry


def test_kinds_stages_and_latencies(stage):
    it = stage()
    telemetry = Telemetry.of(it.engine)
    it.start()
    it.quote("BTC/USDT", "100")
    it.send("a")
    it.send("b", strength=0.1)
    it.run(12)
    assert {kind: telemetry.counts[kind] for kind in ("accepted", "refused", "intent", "placed")} == {
        "accepted": 1,
        "refused": 1,
        "intent": 1,
        "placed": 1,
    }
    assert {"intake", "execution", "placement"} <= telemetry.heartbeats.keys()
    assert {name: latencies.count for name, latencies in telemetry.latencies.items()} == {
        "recorded": 1,
        "waited": 1,
        "sent": 1,
        "total": 1,
    }
    assert telemetry.latencies["waited"].quantile_ms(0.5) == pytest.approx(10_000, rel=0.04)


def test_it_counts_from_when_it_was_attached(stage):
    it = stage().start()
    it.quote("BTC/USDT", "100")
    it.send("a")
    it.run(1)
    telemetry = Telemetry.of(it.engine)
    it.run(12)
    assert (telemetry.counts["accepted"], telemetry.counts["placed"]) == (0, 1)
    assert telemetry.latencies["total"].count == 0


def test_activity_remembers_the_last_loss_until_a_signal_is_accepted(stage):
    it = stage().start()
    it.quote("BTC/USDT", "100")
    activity = it.engine.parts.activity
    assert (activity.last_loss, activity.last_cycle_ns, activity.executions) == (None, None, 0)
    it.send("weak", strength=0.1)
    it.run(1)
    assert activity.last_loss.body.reason == "weak"
    it.send("good")
    it.run(12)
    assert activity.last_loss is None
    assert (activity.executions, activity.last_cycle_ns) == (1, it.engine.started_ns + 10_000_000_000)
