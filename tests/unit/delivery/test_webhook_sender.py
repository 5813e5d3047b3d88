"""The webhook sender against real receivers and the real store."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from app.delivery.webhook_networks import read_webhook_networks
from app.delivery.webhook_request import Outcome, RequestLimits
from app.delivery.webhook_schedule import RetrySchedule
from app.delivery.webhook_sender import SenderLimits, WebhookSender, open_webhook_sender
from app.delivery.webhook_slots import SlotLimits, WebhookSlots
from app.domain.customer import Customer
from app.domain.timestamps import now
from app.domain.webhook import DeliveryStatus, WebhookDelivery
from app.errors import Unavailable
from app.store import Store
from tests.unit.delivery.receiver import Receiver, delivery, open_receiver

QUICK = RetrySchedule(first_seconds=0.01, limit_seconds=0.05, longest_wait_seconds=0.05)
LOOPBACK = read_webhook_networks("127.0.0.0/8")
OpenSender = Callable[..., Any]
FAILED = Outcome("the receiver answered 500")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened


@pytest.fixture
def open_sender(store: Store) -> OpenSender:
    @asynccontextmanager
    async def _open(schedule: RetrySchedule = QUICK, **more: Any) -> AsyncIterator[WebhookSender]:
        networks = more.pop("networks", LOOPBACK)
        async with open_webhook_sender(store, networks, schedule, **more) as sender:
            running = asyncio.create_task(sender.run())
            try:
                yield sender
            finally:
                running.cancel()
                outcome = (await asyncio.gather(running, return_exceptions=True))[0]
                assert isinstance(outcome, asyncio.CancelledError), outcome

    return _open


async def ended(store: Store, *rows: WebhookDelivery) -> list[WebhookDelivery]:
    """Wait until none of these is pending; return them as they are then."""
    async with asyncio.timeout(60):
        while True:
            found = [await store.webhook_deliveries.get_by_id(row.id) for row in rows]
            if all(each is not None and each.status is not DeliveryStatus.PENDING for each in found):
                return [each for each in found if each is not None]
            await asyncio.sleep(0.005)


async def put(store: Store, *rows: WebhookDelivery) -> tuple[WebhookDelivery, ...]:
    async with store.transaction() as tx:
        return tuple([await tx.webhook_deliveries.insert(row) for row in rows])


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE"])
async def test_what_a_receiver_gets(
    store: Store, samples: Any, receiver: Receiver, open_sender: OpenSender, method: str
) -> None:
    customer = await store.customers.insert(samples.customer(webhook_secret="secret"))
    (row,) = await put(store, delivery(customer.id, receiver.uri, method=method, body='{"type":"x","data":{"a":"é"}}'))
    async with open_sender() as sender:
        (done,) = await ended(store, row)
        assert sender.counts.delivered == 1
    (heard,) = receiver.heard
    assert (heard.method, heard.body.decode()) == (method, row.body)
    assert heard.headers["Content-Type"] == "application/json"
    expected = hmac.new(b"secret", heard.body, hashlib.sha256).hexdigest()
    assert heard.headers["X-VoIPBIN-Signature"] == f"sha256={expected}"
    assert (heard.delivery_id, heard.headers["X-Callscribe-Attempt"]) == (row.id, "1")
    assert (done.status, done.attempts, done.last_error) == (DeliveryStatus.DELIVERED, 1, "")
    assert done.tm_delivered is not None


async def test_without_a_secret_there_is_no_signature(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    rows = await put(store, delivery(customer.id, receiver.uri))
    async with open_sender():
        await ended(store, *rows)
    assert "X-VoIPBIN-Signature" not in receiver.heard[0].headers


async def test_a_new_delivery_is_sent_when_the_sender_is_woken(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    async with open_sender() as sender:
        for number in range(3):
            rows = await put(store, delivery(customer.id, receiver.uri, number))
            sender.wake()
            await receiver.wait_heard(number + 1)
            await ended(store, *rows)


@pytest.mark.parametrize("status", [500, 503, 400, 404, 301, 304])
async def test_what_is_no_success_is_tried_again_with_the_same_id(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender, status: int
) -> None:
    receiver.answer = receiver.say(status)
    rows = await put(store, delivery(customer.id, receiver.uri))
    async with open_sender() as sender:
        await receiver.wait_heard(4)
        receiver.answer = receiver.say(204)
        (done,) = await ended(store, *rows)
        assert sender.counts.retried == done.attempts - 1 >= 4
    assert set(receiver.ids) == {rows[0].id}
    assert [each.headers["X-Callscribe-Attempt"] for each in receiver.heard][:3] == ["1", "2", "3"]


async def test_the_order_of_a_call_is_kept_through_failures(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    answers = iter([500, 200, 503, 503, 200, 404] + [200] * 20)

    async def moody(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=next(answers))

    receiver.answer = moody
    rows = await put(store, *(delivery(customer.id, receiver.uri, number) for number in range(1, 9)))
    async with open_sender():
        await ended(store, *rows)
    assert list(dict.fromkeys(receiver.ids)) == [row.id for row in rows]
    assert receiver.most_at_once == 1


async def test_calls_go_side_by_side_but_not_too_many(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    may_answer = asyncio.Event()

    async def wait(_request: web.Request) -> web.StreamResponse:
        await may_answer.wait()
        return web.Response()

    receiver.answer = wait
    rows = await put(store, *(delivery(customer.id, receiver.uri, n, order_key=f"call {n}") for n in range(1, 31)))
    async with open_sender() as sender:
        await receiver.wait_heard(8)
        assert (sender.in_flight, receiver.at_once) == (8, 8)
        may_answer.set()
        await ended(store, *rows)
    assert receiver.most_at_once == 8
    assert len(receiver.heard) == 30


async def test_a_receiver_that_hangs_does_not_starve_others(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    async with open_receiver() as hanging, AsyncExitStack() as stack:
        release = asyncio.Event()
        stack.callback(release.set)

        async def hang(_request: web.Request) -> web.StreamResponse:
            await release.wait()
            return web.Response()

        hanging.answer = hang
        # More lanes than are read at once, all older than those of the receiver that answers.
        await put(store, *(delivery(customer.id, hanging.uri, n, order_key=f"{n}") for n in range(1, 251)))
        good = await put(store, *(delivery(customer.id, receiver.uri, n, order_key=f"{n}") for n in range(300, 340)))
        limits = SenderLimits(closing_seconds=0.0)
        async with open_sender(limits=limits) as sender:
            await ended(store, *good)
            assert hanging.at_once == sender.in_flight == 8
    assert len(await store.webhook_deliveries.due(now(), 1000)) == 250


async def test_a_receiver_that_timed_out_is_asked_with_one_at_a_time(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    release = asyncio.Event()

    async def hang(_request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    receiver.answer = hang
    rows = await put(store, *(delivery(customer.id, receiver.uri, n, order_key=f"{n}") for n in range(1, 21)))
    limits = SenderLimits(request=RequestLimits(total_seconds=0.2))
    async with open_sender(limits=limits) as sender:
        await receiver.wait_heard(12)
        assert sender.in_flight <= 1
        release.set()
        done = await ended(store, *rows)
    assert {each.status for each in done} == {DeliveryStatus.DELIVERED}
    tried = await store.webhook_deliveries.get_by_id(rows[0].id)
    assert tried is not None


async def test_customers_share(
    store: Store, customer: Customer, stranger: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    may_answer = asyncio.Event()

    async def wait(_request: web.Request) -> web.StreamResponse:
        await may_answer.wait()
        return web.Response()

    async with open_receiver() as other, open_receiver() as third:
        receiver.answer = other.answer = wait
        for each in (receiver, other):
            await put(store, *(delivery(customer.id, each.uri, n, order_key=f"{n}") for n in range(1, 201)))
        theirs = await put(store, delivery(stranger.id, third.uri, 999))
        async with open_sender(limits=SenderLimits(closing_seconds=0.0)) as sender:
            await ended(store, *theirs)
            assert sender.in_flight == 12
        may_answer.set()


async def test_a_receiver_that_is_down_for_a_while(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    await receiver.close()
    rows = await put(store, *(delivery(customer.id, receiver.uri, n, order_key=f"call {n % 3}") for n in range(1, 13)))
    async with open_sender() as sender:
        async with asyncio.timeout(30):
            while sender.counts.retried < 10:
                await asyncio.sleep(0.005)
        (tried, *_) = [await store.webhook_deliveries.get_by_id(row.id) for row in rows]
        assert tried is not None
        assert "no connection" in tried.last_error
        await receiver.open()
        await ended(store, *rows)
    for key in range(3):
        of_call = [row.id for row in rows if row.order_key == f"call {key}"]
        assert [each for each in receiver.ids if each in of_call] == of_call


async def test_it_is_given_up_after_some_hours_and_the_next_goes(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    receiver.answer = receiver.say(500)
    old = now() - timedelta(hours=2)
    first, second = await put(
        store,
        delivery(customer.id, receiver.uri, 1, tm_create=old, tm_next=old),
        delivery(customer.id, receiver.uri, 2, tm_create=old + timedelta(seconds=1)),
    )
    async with open_sender(replace(QUICK, max_hours=1.0)) as sender:
        (given_up,) = await ended(store, first)
        assert (given_up.status, given_up.last_error) == (DeliveryStatus.FAILED, "the receiver answered 500")
        assert sender.counts.given_up >= 1
        await ended(store, second)
    assert receiver.ids == [first.id, second.id]

    # Sent again by hand: its hours begin anew.
    moment = now()
    assert await store.webhook_deliveries.resend_failed(customer.id, moment) == 2
    again = await store.webhook_deliveries.get_by_id(first.id)
    assert again is not None
    assert (again.status, again.attempts, again.tm_resend) == (DeliveryStatus.PENDING, 0, moment)
    async with open_sender(replace(QUICK, max_hours=1.0)):
        await receiver.wait_heard(5)
        receiver.answer = receiver.say(200)
        assert [each.status for each in await ended(store, first, second)] == [DeliveryStatus.DELIVERED] * 2


async def test_gone_is_given_up_at_once(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    receiver.answer = receiver.say(410)
    rows = await put(store, delivery(customer.id, receiver.uri))
    async with open_sender():
        (done,) = await ended(store, *rows)
    assert (done.status, done.attempts, len(receiver.heard)) == (DeliveryStatus.FAILED, 1, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_keep_method_and_body(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender, status: int
) -> None:
    async def redirect(request: web.Request) -> web.StreamResponse:
        if request.path == "/there":
            return web.Response()
        return web.Response(status=status, headers={"Location": "/there"})

    receiver.answer = redirect
    rows = await put(store, delivery(customer.id, receiver.uri, method="PUT"))
    async with open_sender():
        (done,) = await ended(store, *rows)
    assert (done.status, done.attempts) == (DeliveryStatus.DELIVERED, 1)
    first, second = receiver.heard
    assert (second.method, second.path, second.body) == ("PUT", "/there", first.body)
    assert second.delivery_id == first.delivery_id


async def test_redirects_are_bounded(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    receiver.answer = receiver.say(302, Location="/hook")
    rows = await put(store, delivery(customer.id, receiver.uri))
    async with open_sender():
        await receiver.wait_heard(8)
        tried = await store.webhook_deliveries.get_by_id(rows[0].id)
        assert tried is not None
        assert (tried.status, tried.last_error) == (DeliveryStatus.PENDING, "more than 3 redirects")
        assert {each.headers["X-Callscribe-Attempt"] for each in receiver.heard[:4]} == {"1"}
        receiver.answer = receiver.say(200)
        await ended(store, *rows)


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("http://10.0.0.1/", "10.0.0.1 is not a public address"),
        ("http://[::ffff:10.0.0.1]/", "is not a public address"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is not a public address"),
    ],
)
async def test_a_redirect_to_a_private_address_is_refused(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender, target: str, error: str
) -> None:
    receiver.answer = receiver.say(307, Location=target)
    rows = await put(store, delivery(customer.id, receiver.uri))
    async with open_sender():
        (done,) = await ended(store, *rows)
    assert (done.status, done.attempts) == (DeliveryStatus.FAILED, 1)
    assert error in done.last_error


@pytest.mark.parametrize("target", ["ftp://example.org/", "http://", "http://[", "javascript:1"])
async def test_a_redirect_to_nowhere_is_a_failure_like_others(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender, target: str
) -> None:
    receiver.answer = receiver.say(307, Location=target)
    rows = await put(store, delivery(customer.id, receiver.uri))
    async with open_sender():
        await receiver.wait_heard(2)
        receiver.answer = receiver.say(200)
        (done,) = await ended(store, *rows)
    assert done.status is DeliveryStatus.DELIVERED


async def test_an_endless_answer_is_cut_off_and_counts(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    sent = 0

    async def pour(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)
            sent += 65536

    receiver.answer = pour
    rows = await put(store, *(delivery(customer.id, receiver.uri, n) for n in range(1, 4)))
    async with open_sender():
        done = await ended(store, *rows)
    assert {each.status for each in done} == {DeliveryStatus.DELIVERED}
    assert sent < 100_000_000


async def test_answers_that_are_no_http(store: Store, customer: Customer, open_sender: OpenSender) -> None:
    answers = iter([b"nonsense\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, b"HTTP/1.1 200 OK\r\n\r\n"])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)
        writer.write(next(answers))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    rows = await put(store, delivery(customer.id, uri))
    async with server, open_sender():
        (done,) = await ended(store, *rows)
    assert (done.status, done.attempts) == (DeliveryStatus.DELIVERED, 4)


@pytest.mark.parametrize(
    "uri", ["", "nothing", "ftp://127.0.0.1/", "http://", "http://[::1", "http:///path", "http://2130706433/"]
)
async def test_what_is_no_address_is_given_up(
    store: Store, customer: Customer, open_sender: OpenSender, uri: str
) -> None:
    rows = await put(store, delivery(customer.id, uri))
    async with open_sender():
        (done,) = await ended(store, *rows)
    assert (done.status, done.attempts) == (DeliveryStatus.FAILED, 1)
    assert done.last_error


async def test_what_is_on_its_way_at_the_end_stays_pending(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    release = asyncio.Event()

    async def hang(_request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    receiver.answer = hang
    rows = await put(store, delivery(customer.id, receiver.uri, 1), delivery(customer.id, receiver.uri, 2))
    async with open_sender(limits=SenderLimits(closing_seconds=0.05)):
        await receiver.wait_heard(1)
    release.set()
    (first, _) = [await store.webhook_deliveries.get_by_id(row.id) for row in rows]
    assert first is not None
    assert (first.status, first.attempts) == (DeliveryStatus.PENDING, 0)
    async with open_sender():
        await ended(store, *rows)
    assert receiver.ids == [rows[0].id, rows[0].id, rows[1].id]


async def test_what_is_on_its_way_at_the_end_may_arrive(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender
) -> None:
    release = asyncio.Event()

    async def wait(_request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    receiver.answer = wait
    rows = await put(store, delivery(customer.id, receiver.uri, 1), delivery(customer.id, receiver.uri, 2))
    async with open_sender():
        await receiver.wait_heard(1)
        asyncio.get_running_loop().call_later(0.05, release.set)
    first, second = [await store.webhook_deliveries.get_by_id(row.id) for row in rows]
    assert first is not None
    assert second is not None
    assert (first.status, second.status) == (DeliveryStatus.DELIVERED, DeliveryStatus.PENDING)


async def test_the_store_is_away_for_a_while(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender, monkeypatch: Any
) -> None:
    monkeypatch.setattr("app.delivery.webhook_sender._STORE_WAITS", (0.01,))
    failures = {"due": 3, "transaction": 3, "customers": 2}
    outbox = store.webhook_deliveries

    def failing(name: str, operation: Any) -> Any:
        async def run(*values: Any, **more: Any) -> Any:
            if failures[name]:
                failures[name] -= 1
                raise Unavailable("away")
            return await operation(*values, **more)

        return run

    rows = await put(store, *(delivery(customer.id, receiver.uri, n) for n in range(1, 4)))
    monkeypatch.setattr(outbox, "due", failing("due", outbox.due))
    transaction = store.transaction

    @asynccontextmanager
    async def failing_transaction() -> AsyncIterator[Any]:
        await failing("transaction", asyncio.sleep)(0)
        async with transaction() as tx:
            yield tx

    monkeypatch.setattr(store, "transaction", failing_transaction)
    monkeypatch.setattr(store.customers, "get_by_id", failing("customers", store.customers.get_by_id))
    async with open_sender():
        await ended(store, *rows)
    assert not any(failures.values())
    assert receiver.ids == [row.id for row in rows]


async def test_a_fault_of_ours_stops_only_its_delivery(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender, monkeypatch: Any
) -> None:
    monkeypatch.setattr("app.delivery.webhook_sender._FAULT_SECONDS", 0.05)
    faults = iter([ZeroDivisionError("ours")])
    real = store.customers.get_by_id

    async def broken(customer_id: str) -> Any:
        for fault in faults:
            raise fault
        return await real(customer_id)

    monkeypatch.setattr(store.customers, "get_by_id", broken)
    rows = await put(store, *(delivery(customer.id, receiver.uri, n, order_key=f"{n}") for n in range(1, 4)))
    async with open_sender():
        done = await ended(store, *rows)
    assert {each.status for each in done} == {DeliveryStatus.DELIVERED}


async def test_nothing_is_asked_of_the_store_while_nothing_is_due(
    store: Store, customer: Customer, receiver: Receiver, open_sender: OpenSender, monkeypatch: Any
) -> None:
    asked = 0
    real = store.webhook_deliveries.due

    async def count(*values: Any, **more: Any) -> Any:
        nonlocal asked
        asked += 1
        return await real(*values, **more)

    monkeypatch.setattr(store.webhook_deliveries, "due", count)
    receiver.answer = receiver.say(500)
    later = now() + timedelta(seconds=0.4)
    # The second waits behind the first, which is not due: that must not wake the sender again and again.
    rows = await put(
        store, delivery(customer.id, receiver.uri, 1, tm_next=later), delivery(customer.id, receiver.uri, 2)
    )
    async with open_sender(RetrySchedule()):
        await receiver.wait_heard(1)
        assert now() >= later
    assert asked <= 4
    assert [each.id for each in await store.webhook_deliveries.list(customer.id, status=DeliveryStatus.PENDING)] == [
        rows[1].id,
        rows[0].id,
    ]


def test_the_schedule() -> None:
    def waits(**more: Any) -> list[float]:
        schedule = RetrySchedule(draw=lambda: 0.5, **more)
        row = delivery("c", "http://example.org/")
        seen = []
        for _ in range(14):
            tried = schedule.after(row, FAILED, row.tm_create)
            seen.append((tried.tm_next - row.tm_create).total_seconds())
            row = replace(row, attempts=tried.attempts)
        return seen

    assert waits() == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600, 600]
    assert waits(max_hours=0.1)[-1] == 360  # the last attempt is at the end, not after it
    row = delivery("c", "http://example.org/", attempts=10_000)
    for draw, wait in ((0.0, 450.0), (0.999, 750.0)):
        tried = RetrySchedule(draw=lambda draw=draw: draw).after(row, FAILED, row.tm_create)  # type: ignore[misc]
        assert (tried.tm_next - row.tm_create).total_seconds() == pytest.approx(wait, abs=1)


@pytest.mark.parametrize(
    ("said", "wait"), [(None, 1.0), (0.0, 1.0), (-5.0, 1.0), (30.0, 30.0), (1e9, 3600.0), (3600.0, 3600.0)]
)
def test_a_receiver_may_say_when(said: float | None, wait: float) -> None:
    row = delivery("c", "http://example.org/")
    outcome = replace(FAILED, retry_after_seconds=said)
    tried = RetrySchedule(draw=lambda: 0.5).after(row, outcome, row.tm_create)
    assert (tried.tm_next - row.tm_create).total_seconds() == wait


def test_the_slots_are_bounded_by_customer_and_silence() -> None:
    slots = WebhookSlots(SlotLimits(total=6, receiver=3, customer=4, silent=2))
    waiting = [delivery(f"customer {n % 2}", f"http://r{n}.example/", n, order_key=f"{n}") for n in range(10)]
    for row in waiting[:5]:
        slots.note_answer(row.uri, is_silent=True)
    chosen = []
    while (best := slots.choose([each for each in waiting if each not in chosen])) is not None:
        chosen.append(best)
        slots.take(best)
    assert len(chosen) == 6
    assert sum(slots.is_silent(row.uri) for row in chosen) == 2
    assert [row.customer_id for row in chosen].count("customer 0") == 3
    for row in chosen:
        slots.free(row)
    assert len(slots) == 0
    assert slots.choose([]) is None
