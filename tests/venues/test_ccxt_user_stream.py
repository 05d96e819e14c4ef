"""What the user stream may do, and what it may not: a stream of our own making, under simulated time."""

import asyncio
from collections import Counter
from decimal import Decimal

import pytest

pytest.importorskip("ccxt")

from ccxt.base.errors import AuthenticationError, NetworkError

from tidegate.clock import Clock, VirtualLoop
from tidegate.domain.order import Acknowledged, Fill, OrderStatus, Unanswered, VenueOrder
from tidegate.domain.signal import Side
from tidegate.venues.ccxt.following import OrderFollower
from tidegate.venues.ccxt.quirks import quirks_of
from tidegate.venues.ccxt.user_stream import UserStream

NOON_NS = 1_700_000_000_000_000_000
SYMBOL = "BTC/USDT"
WHOLE = Decimal("0.01")


class Socket:
    """What is used of a streaming class of ccxt: each `watch_orders` gets what was put into the queue."""

    def __init__(self, clock):
        self.clock, self.messages = clock, asyncio.Queue()
        self.options, self.watched, self.closed = {}, [], 0
        self.shared = []

    def handle_message(self, client, message):
        raise KeyError("odd")

    def set_markets_from_exchange(self, other):
        self.shared.append(other)

    async def watch_orders(self):
        self.watched.append(self.clock.now_ns())
        message = await self.messages.get()
        if isinstance(message, BaseException):
            raise message
        return message

    async def close_ws_clients(self):
        self.closed += 1

    async def close(self):
        pass


class Connection:
    secrets = ("s3cret",)
    quirks = quirks_of("binance")

    def __init__(self, exchange):
        self.exchange = exchange

    async def close(self):
        pass


class Trading:
    options = {"timeDifference": 7, "nested": {}}  # noqa: RUF012


class Scene:
    """An account: the truth about its orders at the venue, the stream, what was asked, and what was booked."""

    def __init__(self, *, streams=True):
        self.loop = VirtualLoop()
        self.clock = Clock.simulated(self.loop, NOON_NS)
        self.socket = Socket(self.clock)
        self.faults, self.updates, self.asked = [], [], []
        self.filled = {}
        self.stream = None
        self.failure = None
        if streams:
            self.stream = UserStream(
                "main",
                Connection(self.socket),
                Connection(Trading()),
                clock=self.clock,
                fault=lambda where, error: self.faults.append((where, str(error))),
            )
        self.follower = OrderFollower(
            "main",
            clock=self.clock,
            open_orders=self.open_orders,
            recent_orders=self.recent_orders,
            find=self.find,
            stream=self.stream,
        )

    async def begin(self):
        self.follower.listen(lambda update: self.updates.append((self.now_s, update)))
        await self.clock.sleep(10)
        self.begun_ns = self.clock.now_ns()
        return self

    @property
    def now_s(self):
        return (self.clock.now_ns() - self.begun_ns) / 1e9

    async def until(self, second):
        await self.clock.sleep_until(self.begun_ns + int(second * 1e9))

    def acknowledge(self, request):
        self.filled[request.client_order_id] = Decimal(0)
        self.follower.follow(request, f"v{request.client_order_id}")

    def trade(self, request, amount=WHOLE):
        self.filled[request.client_order_id] += amount

    def say(self, request, *, filled=Decimal(0), status="open", name=None):
        order_id = request.client_order_id if name is None else name
        self.socket.messages.put_nowait(
            [{"id": f"v{order_id}", "clientOrderId": order_id, "status": status, "filled": float(filled)}]
        )

    async def open_orders(self, symbol):
        self.asked.append(("open", self.now_s))
        if self.failure:
            raise self.failure
        return {order_id: filled for order_id, filled in self.filled.items() if filled < WHOLE}

    async def recent_orders(self, symbol, since_ns):
        self.asked.append(("recent", self.now_s))
        if self.failure:
            raise self.failure
        return {order_id: self._found(order_id) for order_id in self.filled}

    async def find(self, request):
        self.asked.append(("find", self.now_s))
        await self.clock.sleep(0.01)
        if self.failure:
            return Unanswered(detail="down")
        return self._found(request.client_order_id)

    def _found(self, order_id):
        filled = self.filled[order_id]
        fill = Fill(trade_id="t1", amount=filled, price=Decimal(50_000), fee=Decimal(0), fee_currency="BTC")
        status = OrderStatus.CLOSED if filled == WHOLE else OrderStatus.OPEN
        return Acknowledged(
            venue_order_id=f"v{order_id}", status=status, fills=(fill,) if filled else (), filled=filled
        )

    def booked(self):
        return [(at_s, update.client_order_id, update.status) for at_s, update in self.updates if update.fills]

    def times(self, kind=None):
        return [round(at_s, 1) for name, at_s in self.asked if kind in (None, name)]


@pytest.fixture
def run():
    """Run `scenario(scene)` in simulated time; gives the scene."""

    def run(scenario, **how):
        scene = Scene(**how)
        raised = []
        scene.loop.set_exception_handler(lambda _, context: raised.append(context))

        async def main():
            await scene.begin()
            await scenario(scene)
            if scene.stream is not None:
                await scene.stream.close()

        scene.loop.run_until_complete(main())
        assert raised == []
        return scene

    return run


def test_an_order_is_looked_up_as_soon_as_the_stream_says_that_it_filled(run, order_request):
    async def scenario(scene):
        scene.acknowledge(order_request())
        scene.say(order_request())
        await scene.until(20)
        assert scene.asked == []
        scene.trade(order_request())
        scene.say(order_request(), filled=WHOLE, status="closed")
        await scene.until(100)

    scene = run(scenario)
    ((at_s, _, status),) = scene.booked()
    assert status is OrderStatus.CLOSED
    assert 20 < at_s < 20.2
    assert [name for name, _ in scene.asked] == ["find"]


def test_without_a_word_of_the_stream_polling_books_it_at_its_normal_pace(run, order_request):
    async def scenario(scene):
        scene.acknowledge(order_request())
        await scene.until(5)
        scene.trade(order_request())
        await scene.until(100)

    for scene in (run(scenario), run(scenario, streams=False)):
        ((at_s, _, _),) = scene.booked()
        assert 6.9 < at_s < 7.6
        assert scene.times("open") == [1.0, 3.0, 7.0]


def test_an_order_that_rests_costs_one_poll_where_the_stream_mentions_it_and_five_where_it_does_not(run, order_request):
    async def scenario(scene):
        scene.acknowledge(order_request())
        if scene.stream:
            scene.say(order_request())
        await scene.until(200)

    assert run(scenario).times() == [31.0]
    assert len(run(scenario, streams=False).times()) == 5


def test_an_order_that_rests_for_hours_is_booked_when_the_stream_says_so(run, order_request):
    async def scenario(scene):
        scene.acknowledge(order_request())
        scene.say(order_request())
        await scene.until(7200)
        scene.trade(order_request())
        scene.say(order_request(), filled=WHOLE, status="closed")
        await scene.until(7300)

    ((at_s, _, _),) = run(scenario).booked()
    assert at_s < 7200.2


def test_what_the_stream_said_before_the_acknowledgement_counts(run, order_request):
    async def scenario(scene):
        scene.say(order_request())
        scene.say(order_request(), filled=WHOLE, status="closed")
        scene.say(order_request())  # late
        await scene.until(0.05)
        scene.acknowledge(order_request())
        scene.trade(order_request())
        await scene.until(60)

    scene = run(scenario)
    assert [name for name, _ in scene.asked] == ["find"]
    assert scene.booked()[0][0] < 0.3


def test_a_stream_that_lies_books_nothing_and_is_asked_about_less_and_less_often(run, order_request):
    async def scenario(scene):
        scene.acknowledge(order_request())
        for second in range(600):
            scene.say(order_request(), filled=WHOLE, status="closed")
            await scene.until(second)

    scene = run(scenario)
    assert scene.booked() == []
    assert len(scene.times("find")) <= 17  # 0, 1, 3, 7, 15, 31, 63, and then one in about a minute
    assert len(scene.times("open")) <= 5


def test_what_the_venue_shows_late_is_polled_for(run, order_request):
    async def scenario(scene):
        scene.acknowledge(order_request())
        scene.say(order_request(), filled=WHOLE, status="closed")
        await scene.until(2)
        scene.trade(order_request())
        await scene.until(60)

    ((at_s, _, _),) = run(scenario).booked()
    assert at_s < 3.6


def test_a_part_that_filled_is_booked_and_the_rest_is_followed(run, order_request):
    async def scenario(scene):
        scene.acknowledge(order_request())
        for part in (1, 2):
            await scene.until(5 * part)
            scene.trade(order_request(), WHOLE / 2)
            scene.say(order_request(), filled=WHOLE * part / 2, status="open" if part == 1 else "closed")
        await scene.until(60)

    assert [(round(at_s), status) for at_s, _, status in run(scenario).booked()] == [
        (5, OrderStatus.OPEN),
        (10, OrderStatus.CLOSED),
    ]


def test_many_fills_at_once_are_looked_up_by_one_listing(run, order_request):
    async def scenario(scene):
        requests = [order_request(number) for number in range(40)]
        for request in requests:
            scene.acknowledge(request)
            scene.trade(request)
            scene.say(request, filled=WHOLE, status="closed")
        await scene.until(60)

    scene = run(scenario)
    assert len(scene.booked()) == 40
    assert Counter(name for name, _ in scene.asked) == {"recent": 1}


def test_strangers_orders_nonsense_and_a_flood_cost_no_request(run, order_request):
    async def scenario(scene):
        scene.acknowledge(order_request())
        scene.say(order_request())
        for number in range(5000):
            scene.say(None, filled=WHOLE, status="closed", name=f"by-hand-{number}")
        scene.socket.messages.put_nowait([7, None, {}, {"id": 3, "clientOrderId": [], "filled": "x"}])
        await scene.until(30)

    scene = run(scenario)
    assert scene.asked == []
    assert scene.faults == []


@pytest.mark.parametrize(
    ("message", "words"),
    [
        pytest.param(7, "TypeError: 'int' object is not iterable", id="no list"),
        pytest.param(NetworkError("reset"), "NetworkError: reset", id="closed"),
        pytest.param(AuthenticationError("no key s3cret"), "AuthenticationError: no key ***", id="refused"),
        pytest.param(asyncio.CancelledError(), "ConnectionError: the websocket was closed", id="canceled by ccxt"),
        pytest.param(RuntimeError("odd"), "RuntimeError: odd", id="a raise"),
    ],
)
def test_a_stream_that_fails_is_reported_once_and_tried_again_less_and_less_often(run, order_request, message, words):
    async def scenario(scene):
        for _ in range(50):
            scene.socket.messages.put_nowait(message)
        await scene.until(3)
        scene.acknowledge(order_request())
        scene.trade(order_request())
        await scene.until(130)

    scene = run(scenario)
    assert scene.faults == [("user stream of main", words)]
    assert 8 <= len(scene.socket.watched) <= 10
    assert len(scene.socket.watched) - scene.socket.closed in (0, 1)  # each try has a connection of its own
    assert len(scene.booked()) == 1
    assert scene.booked()[0][0] < 5


def test_a_stream_that_is_lost_lets_everything_be_polled_again(run, order_request):
    async def scenario(scene):
        scene.acknowledge(order_request())
        scene.say(order_request())
        await scene.until(10)
        scene.trade(order_request())  # and the stream does not say so
        scene.socket.messages.put_nowait(NetworkError("reset"))
        await scene.until(60)

    ((at_s, _, _),) = run(scenario).booked()
    assert 11 <= at_s < 11.6


def test_a_stream_that_does_not_mention_an_order_is_renewed_and_reported_once(run, order_request):
    async def scenario(scene):
        for number in range(3):
            scene.acknowledge(order_request(number))
            await scene.until(20 * number + 20)

    scene = run(scenario)
    assert scene.faults == [
        ("user stream of main", "VenueUnavailable: it did not mention an order that the venue acknowledged")
    ]
    assert len(scene.socket.watched) == 4
    assert scene.times("open")[:5] == [1.0, 3.0, 7.0, 8.0, 10.0]  # from its loss on it is polled as if it were new


def test_a_stream_that_works_again_is_relied_on_again(run, order_request):
    async def scenario(scene):
        scene.socket.messages.put_nowait(NetworkError("reset"))
        await scene.until(10)
        scene.acknowledge(order_request())
        scene.say(order_request())
        await scene.until(100)

    assert run(scenario).times() == [41.0]


def test_an_order_that_a_listing_shows_open_is_known_to_the_stream(run, order_request):
    request = order_request()
    listed = VenueOrder(
        venue_order_id=f"v{request.client_order_id}",
        client_order_id=request.client_order_id,
        symbol=SYMBOL,
        side=Side.BUY,
        amount=WHOLE,
        price=Decimal(50_000),
        status=OrderStatus.OPEN,
        filled=Decimal(0),
        at_ns=NOON_NS,
    )

    async def scenario(scene):
        scene.filled[request.client_order_id] = Decimal(0)
        scene.follower.listed([listed], whole=True)
        await scene.until(50)
        assert scene.asked == []
        scene.trade(request)
        scene.say(request, filled=WHOLE, status="closed")
        await scene.until(60)

    assert 50 < run(scenario).booked()[0][0] < 50.2

    async def over(scene):
        scene.filled[request.client_order_id] = WHOLE
        scene.follower.listed([listed], whole=True)
        scene.follower.listed([], whole=True)
        scene.say(request, filled=WHOLE, status="closed")
        await scene.until(60)

    assert run(over).asked == []


def test_while_the_venue_does_not_answer_hints_wait_longer_and_longer(run, order_request):
    async def scenario(scene):
        scene.failure = NetworkError("down")
        scene.acknowledge(order_request())
        scene.trade(order_request())
        for second in range(60):
            scene.say(order_request(), filled=WHOLE, status="closed")
            await scene.until(second)
        scene.failure = None
        await scene.until(130)

    scene = run(scenario)
    assert len(scene.booked()) == 1
    assert len(scene.times("find")) <= 8


def test_a_message_that_ccxt_cannot_read_fails_the_connection(run):
    """Otherwise ccxt stops reading, and never says so."""

    class Client:
        failed = None

        def reset(self, error):
            self.failed = error

    client = Client()

    async def scenario(scene):
        scene.socket.handle_message(client, {})

    run(scenario)
    assert isinstance(client.failed, KeyError)


def test_the_stream_knows_what_was_measured_and_asks_for_no_markets(run):
    async def scenario(scene):
        pass

    scene = run(scenario)
    assert scene.socket.options == {"timeDifference": 7}
    assert len(scene.socket.shared) == 1
