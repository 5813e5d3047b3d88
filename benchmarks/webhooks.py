"""Webhooks: deliveries per second to a local receiver, and what an event costs with and without the outbox.

    python benchmarks/webhooks.py [EVENTS] [CALLS] [WAITING]

SQLite in a temporary folder. The receiver runs in the same process, so its share of the CPU is in the numbers.
WAITING deliveries to another receiver, which does not answer, stand in the outbox meanwhile.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import uvloop
from aiohttp import web

from app.delivery.webhook_networks import read_webhook_networks
from app.delivery.webhook_sender import open_webhook_sender
from app.domain.call import Address, Call, CallDirection, CallStatus
from app.domain.customer import Customer
from app.domain.events import EventType
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.domain.webhook import DeliveryStatus, WebhookDelivery
from app.event_bus import EventBus
from app.journal.journal import Journal
from app.store import Store, open_store
from app.wire.event import render_event


def _call(customer_id: str) -> Call:
    moment = now()
    return Call(
        id=new_id(),
        customer_id=customer_id,
        direction=CallDirection.INCOMING,
        status=CallStatus.PROGRESSING,
        source=Address(target="alice"),
        destination=Address(target="bob"),
        tm_create=moment,
        tm_update=moment,
    )


def _report(title: str, took: Sequence[float]) -> None:
    ordered = sorted(took)
    p50, p99 = (1000 * ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
    print(f"{title:44} {len(took) / sum(took):8.0f}/s   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms")


async def _events(journal: Journal, calls: Sequence[Call], count: int) -> list[float]:
    took = []
    cpu = time.process_time()
    for number in range(count):
        began = time.perf_counter()
        await journal.change(calls[number % len(calls)], EventType.CALL_UPDATED)
        took.append(time.perf_counter() - began)
    print(f"CPU {1000 * (time.process_time() - cpu) / count:5.2f} ms  ", end="")
    return took


async def _fill(store: Store, customer_id: str, count: int) -> None:
    """Put deliveries into the outbox that are due much later, a lane for each ten."""
    moment = now()
    for start in range(0, count, 1000):
        async with store.transaction() as tx:
            for number in range(start, min(start + 1000, count)):
                created = moment - timedelta(microseconds=number + 1)
                row = WebhookDelivery(
                    id=new_id(),
                    customer_id=customer_id,
                    seq=0,
                    order_key=f"old {number // 10}",
                    event_type="call_updated",
                    uri="http://192.0.2.1/",
                    method="POST",
                    body="{}" * 300,
                    status=DeliveryStatus.PENDING,
                    tm_create=created,
                    tm_update=created,
                    tm_next=moment + timedelta(hours=1),
                )
                await tx.webhook_deliveries.insert(replace(row, seq=-number))


async def main(events: int, calls: int, waiting: int) -> None:
    heard = 0
    all_heard = asyncio.Event()

    async def hear(request: web.Request) -> web.Response:
        nonlocal heard
        await request.read()
        heard += 1
        if heard == events:
            all_heard.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    uri = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(f"sqlite:///{folder}/bench.db") as store:
            moment = now()
            customer = Customer(new_id(), "bench", moment, moment, webhook_secret="s" * 64)
            await store.customers.insert(customer)
            journal = Journal(store, EventBus(), render_event)
            await journal.load()
            made = [await journal.create(_call(customer.id), EventType.CALL_CREATED) for _ in range(calls)]
            _report("an event without a webhook", await _events(journal, made, events))
            journal.targets.learn(replace(customer, webhook_uri=uri))
            _report("an event with a webhook", await _events(journal, made, events))
            if waiting:
                await _fill(store, customer.id, waiting)
            async with open_webhook_sender(store, read_webhook_networks("127.0.0.0/8")) as sender:
                began, cpu = time.perf_counter(), time.process_time()
                running = asyncio.create_task(sender.run())
                await all_heard.wait()
                took, used = time.perf_counter() - began, time.process_time() - cpu
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
            print(
                f"{events} deliveries of {calls} calls, {waiting} waiting: {events / took:.0f}/s, "
                f"CPU {1000 * used / events:.2f} ms each"
            )
    await runner.cleanup()


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:4]]
    uvloop.run(main(*(numbers + [2000, 50, 0][len(numbers) :])))
