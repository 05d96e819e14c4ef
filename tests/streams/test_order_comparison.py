"""An order that is open here and not listed any more is looked up, and what the venue says of it is booked."""

from decimal import Decimal

import msgspec
import pytest

from tests.builders import fill, venue_order
from tidegate.domain.errors import VenueUnavailable
from tidegate.domain.order import Acknowledged, NotFound, OrderStatus, Unanswered

OPEN = Acknowledged(venue_order_id="v1", status=OrderStatus.OPEN)
NOWHERE = NotFound(detail="not among the orders")
A_DAY_S = 86_400
PART = fill(amount="0.4")


def found(*fills, status=OrderStatus.CLOSED):
    return Acknowledged(venue_order_id="v1", status=status, fills=fills)


def account_of(it, trader="paper"):
    return it.engine.parts.state.book.account(trader)


@pytest.mark.parametrize(
    ("finding", "ends", "held"),
    [
        pytest.param(found(PART, fill("t2", "0.6")), ["filled", "filled", "order_changed"], "1", id="filled"),
        pytest.param(
            found(PART, status=OrderStatus.CANCELED), ["filled", "order_changed"], "0.4", id="a part, then canceled"
        ),
        pytest.param(found(status=OrderStatus.CANCELED), ["order_changed"], "0", id="canceled"),
        pytest.param(found(PART, status=OrderStatus.OPEN), ["filled"], "0.4", id="filled in part, and open"),
    ],
)
def test_what_became_of_an_order_that_is_not_listed_any_more_is_booked(trading, reconciling, finding, ends, held):
    it = trading(OPEN, found=finding)
    it.run(11)
    reconciling(it)
    it.run(120)
    assert it.kinds() == ["accepted", "intent", "placed", *ends]
    assert account_of(it).held("BTC/USDT") == Decimal(held)
    assert account_of(it).balances["USDT"].locked == (Decimal(60) if ends == ["filled"] else 0)


def test_it_is_booked_after_a_restart_a_day_later_as_well(trading, reconciling, tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    first = trading(OPEN, url=url)
    first.run(11)
    first.kill()
    it = trading(OPEN, url=url, start_ns=first.clock.now_ns() + A_DAY_S * 10**9, signals=0, found=found(PART))
    reconciling(it)
    assert it.kinds() == ["accepted", "intent", "placed", "filled", "order_changed"]
    assert account_of(it).orders == {}


def test_it_is_booked_after_a_person_said_that_it_was_placed(trading, reconciling):
    it = trading(Unanswered(detail="timed out"), found=Unanswered(detail="no answer"))
    it.run(11)
    ((number, _),) = it.engine.resolution.lookup.items()
    assert it.engine.resolution.found(number, OPEN)
    it.venue.found = [found(PART, fill("t2", "0.6"))]
    it.run(1)
    reconciling(it)
    assert it.kinds() == ["accepted", "intent", "unknown", "placed", "filled", "filled", "order_changed"]


def resting(trading, count, found=OPEN):
    """A pipeline with as many orders that rest, none of which the venue lists."""
    it = trading(OPEN, signals=count, found=found, limits__max_open_positions="999", sizing__notional="20")
    it.run(45)
    assert it.ledger() == {"placed": count}
    asked: list[str] = []

    async def look_up(request):
        asked.append(request.client_order_id)
        return it.venue.found[0]

    it.venue.find_order = look_up
    return it, asked


def test_a_round_looks_up_few_orders_and_all_of_them_in_turn(trading, reconciling):
    it, asked = resting(trading, 25)
    reconciling(it, every_s=3600)
    assert len(asked) == len(set(asked)) == 10
    it.run(10)
    assert len(asked) >= 30
    assert set(asked[:25]) == {sent.client_order_id for sent in it.venue.sent}
    assert max(asked.count(order_id) for order_id in asked) - min(asked.count(order_id) for order_id in asked) <= 1


def test_open_orders_that_are_listed_are_not_looked_up(trading, reconciling):
    it, asked = resting(trading, 60)
    it.venue.orders = [venue_order(sent) for sent in it.venue.sent]
    reconciling(it, every_s=10)
    it.run(60)
    assert asked == []


def test_an_order_that_is_not_found_anywhere_stays_open_and_is_reported_once(trading, reconciling):
    it = trading(OPEN, found=NOWHERE)
    it.run(11)
    by = reconciling(it, every_s=10)
    it.run(60)
    (told,) = by.told
    assert "missing" in told
    assert it.venue.sent[0].client_order_id in told
    assert it.ledger() == {"placed": 1}
    assert len(account_of(it).orders) == 1


@pytest.mark.parametrize(
    ("unlisted", "reported"),
    [
        pytest.param(("open orders of BTC/USDT",), False, id="of this symbol"),
        pytest.param(("open orders",), False, id="of any symbol"),
        pytest.param(("closed orders of ETH/USDT",), True, id="of another one"),
    ],
)
def test_where_a_part_of_the_listing_is_missing_nothing_in_it_counts_as_gone(trading, reconciling, unlisted, reported):
    it = trading(OPEN, found=NOWHERE)
    it.run(11)
    it.venue.unlisted = unlisted
    by = reconciling(it)
    assert any("missing: " in told for told in by.told) == reported
    it.venue.found = [found(PART, fill("t2", "0.6"))]
    it.run(20)
    assert it.kinds()[3:] == ["filled", "filled", "order_changed"]  # what is found counts all the same


def test_an_order_that_turns_up_over_is_not_over_before_its_trades_are_venue_order(trading, reconciling):
    it = trading(Unanswered(detail="timed out"), found=NOWHERE)
    it.run(11)
    (sent,) = it.venue.sent
    it.venue.orders = [venue_order(sent, PART, status=OrderStatus.CLOSED, filled="1")]
    reconciling(it, every_s=10)
    it.run(5)
    assert it.kinds() == ["accepted", "intent", "unknown", "placed"]
    assert len(account_of(it).orders) == 1
    it.venue.orders = [venue_order(sent, PART, fill("t2", "0.6"), status=OrderStatus.CLOSED)]
    it.run(30)
    assert it.kinds()[4:] == ["filled", "order_changed"]
    assert account_of(it).held("BTC/USDT") == 1


def test_an_order_of_one_account_that_another_lists_is_reported_and_booked_once(stage, scripted, reconciling):
    pair = '[{"id": "first", "exchange": "x", "priority": 2}, {"id": "second", "exchange": "y"}]'
    venues = []

    def make(it):
        venues.extend(scripted(it, OPEN, found=NOWHERE) for _ in range(2))
        venues[0].trader, venues[1].trader = "first", "second"
        return venues

    it = stage(venues=make, traders=pair)
    it.start()
    first, second = venues
    first.has = second.has = {"USDT": Decimal(10_000)}
    by = reconciling(it)
    it.send("a")
    it.run(11)
    (sent,) = first.sent
    first.orders = second.orders = [venue_order(sent, PART)]
    it.run(120)
    assert it.kinds() == ["accepted", "intent", "placed", "filled"]
    (told,) = [told for told in by.told if "other_account" in told]
    assert "reconciliation with second" in told
    assert "keys of an account of its own" in told


def test_an_open_order_is_followed_while_the_balances_cannot_be_read(trading, reconciling):
    it = trading(OPEN)
    it.run(11)
    it.venue.down = VenueUnavailable("no route")
    it.venue.orders = [venue_order(it.venue.sent[0], PART, status=OrderStatus.CANCELED)]
    reconciling(it)
    assert it.kinds()[3:] == ["filled", "order_changed"]


def test_an_order_of_somebody_else_is_not_ours_by_its_length(trading, reconciling):
    it = trading(OPEN)
    it.run(11)
    (sent,) = it.venue.sent
    longer = msgspec.structs.replace(venue_order(sent), client_order_id=sent.client_order_id + "0", venue_order_id="x1")
    it.venue.orders = [venue_order(sent), longer]
    by = reconciling(it, every_s=10)
    it.run(60)
    assert by.told == ["reconciliation with paper: stranger: x1: ours not ours, theirs buy 1 BTC/USDT"]
