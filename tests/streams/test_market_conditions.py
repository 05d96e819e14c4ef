"""Conditions of the market over time: entries wait for them or are refused, closings are not held back."""

from decimal import Decimal

import pytest

from tidegate.assembly import generated
from tidegate.domain import events as e
from tidegate.domain.market import Candle, Quote
from tidegate.domain.reasons import Reason
from tidegate.insight.explaining import explain
from tidegate.insight.preview import blockers
from tidegate.market.feeds import MarketFeed


def quote(it, bid: str, ask: str, symbol: str = "BTC/USDT") -> None:
    it.news.on_next(Quote(symbol, it.clock.wall_ns(), Decimal(bid), Decimal(ask), Decimal(10**6)))


def test_an_entry_waits_for_a_narrow_spread_and_why_says_by_how_much(stage):
    it = stage(validation__market__max_spread_bps="20").start()
    quote(it, "99.5", "100.5")
    it.send("a", ttl_s=45)
    it.send("b", symbol="ETH/USDT")
    it.run(11)
    assert it.ledger() == {"placed": 1, "waiting": 1}
    (signal_id,) = {entry.signal.id for entry in it.engine.parts.pending.entries.values()}
    blocker = blockers(it.engine, [signal_id])[signal_id]
    assert (blocker.reason, blocker.measured, blocker.limit, blocker.final) == (
        *(Reason.SPREAD_TOO_WIDE, 100.0, 20.0),
        False,
    )
    assert explain(blocker.reason, blocker.measured, blocker.limit) == (
        "spread_too_wide: the spread is 100 bps of mid, 80 more than the 20 allowed"
    )
    quote(it, "99.9", "100.1")
    it.run(30)
    assert it.ledger() == {"placed": 2}


def test_an_entry_expires_with_the_condition_that_held_it_back(stage):
    it = stage(validation__market__hours='["Mon 00:00-00:01"]').start()
    it.send("a", ttl_s=45)
    it.run(50)
    (expired,) = it.bodies(e.Expired)
    assert (expired.reason, expired.measured) == (Reason.OUTSIDE_HOURS, "Wed 00:00 UTC")  # looked at after 40 s


@pytest.mark.parametrize(
    ("own", "bought"),
    [pytest.param({}, "99.9", id="since its receipt"), pytest.param({"price": "99.9"}, "99.9", id="since its price")],
)
def test_a_price_that_drifted_refuses_the_entry(stage, own, bought):
    it = stage(validation__market__max_drift_bps="30").start(price=bought)
    it.send("near", symbol="ETH/USDT", **own)
    it.send("far", **own)
    it.run(1)
    quote(it, "100.09", "100.29", "ETH/USDT")
    quote(it, "100.1", "100.5")
    it.run(10)
    assert it.ledger() == {"placed": 1, "refused": 1}
    (refused,) = it.bodies(e.Refused)
    assert refused.reason is Reason.PRICE_DRIFTED
    assert refused.measured == pytest.approx((100.3 / 99.9 - 1) * 10_000)
    assert refused.limit == 30.0


def test_where_the_price_was_at_receipt_survives_a_kill(stage, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = stage(url, validation__market__max_drift_bps="30").start()
    first.send("a")
    first.run(1)
    first.kill()
    it = stage(url, validation__market__max_drift_bps="30", start_ns=first.clock.now_ns()).start(price="101")
    it.run(11)
    (refused,) = it.bodies(e.Refused)
    assert (refused.reason, refused.measured) == (Reason.PRICE_DRIFTED, 100.0)


def test_by_default_no_price_is_recorded_at_receipt(stage):
    it = stage().start()
    it.send("a")
    it.run(1)
    assert [body.mid for body in it.bodies(e.Accepted)] == [None]


def test_a_volatile_market_calms_down(stage):
    it = stage(validation__market__max_volatility="0.01", validation__market__volatility_candles="3").start()
    it.send("a")
    for close in (100, 110, 100, 110):
        it.candle("BTC/USDT", close)
        it.run(1)
    it.run(7)
    assert it.ledger() == {"waiting": 1}
    (entry,) = it.engine.parts.pending.entries.values()
    assert entry.obstacle.reason is Reason.TOO_VOLATILE
    assert entry.obstacle.measured == pytest.approx(0.1100, abs=1e-4)
    for _ in range(3):
        it.candle("BTC/USDT", 110)
        it.run(9.5)
    it.run(1)
    assert it.ledger() == {"placed": 1}


def test_candles_from_before_the_start_count(stage):
    it = stage(validation__market__min_volume="5000")
    ten_s = 10_000_000_000
    before = [Candle("BTC/USDT", it.clock.wall_ns() - ten_s, ten_s, 100, 100, 100, 100, 51.0)]
    world = MarketFeed("a test", it.engine.parts.markets.symbols, before, it.news)
    it.wait(it.engine.start([], background=[generated(it.engine, world, it.settings, strategies=False)]))
    it.quote("BTC/USDT", "100")
    it.send("a")
    it.run(11)
    assert it.ledger() == {"placed": 1}


@pytest.mark.parametrize(("own_coins", "outcome"), [("false", "placed"), ("true", "waiting")])
def test_a_closing_sale_is_held_back_by_no_condition_and_one_of_own_coins_is(stage, own_coins, outcome):
    it = stage(
        traders__0__balances='{"USDT": "1000", "BTC": "5"}',
        sizing__sell_holdings=own_coins,
        validation__market__max_spread_bps="20",
    ).start()
    it.send("in")
    it.run(11)
    quote(it, "99", "101")
    it.send("out", side="sell", quantity="1" if own_coins == "false" else "3")
    it.run(30)
    assert it.ledger() == ({"placed": 2} if outcome == "placed" else {"placed": 1, "waiting": 1})
