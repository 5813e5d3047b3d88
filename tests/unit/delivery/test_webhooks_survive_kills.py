"""kill -9 in the middle: every event arrives, per call in order, none with another id."""

import asyncio
import json
import os
import random
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from app.domain.customer import Customer
from app.domain.webhook import DeliveryStatus
from app.store import Store
from tests.unit.delivery.receiver import delivery, open_receiver

ROOT = Path(__file__).parents[3]
CALLS, EVENTS, KILLS = 5, 24, 4


@asynccontextmanager
async def running_sender(database_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("sender_process.py")),
        database_url,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def test_every_event_arrives_in_order_with_one_id(database_url: str, store: Store, customer: Customer) -> None:
    rows = []
    draw = random.Random(4)
    async with open_receiver() as receiver:
        for seq in range(1, CALLS * EVENTS + 1):
            body = json.dumps({"type": "call_updated", "data": {"seq": seq}})
            row = delivery(customer.id, receiver.uri, seq, order_key=f"call {seq % CALLS}", body=body)
            rows.append(await store.webhook_deliveries.insert(row))

        async def moody(_request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(0.002 * draw.random())
            return web.Response(status=draw.choice([200, 200, 200, 500, 503]))

        receiver.answer = moody
        for kill in range(1, KILLS + 1):
            async with running_sender(database_url):
                await receiver.wait_heard(kill * CALLS * EVENTS // (KILLS + 1))
        receiver.answer = receiver.say(200)
        async with running_sender(database_url), asyncio.timeout(60):
            while await store.webhook_deliveries.list(customer.id, status=DeliveryStatus.PENDING, page_size=1):
                await asyncio.sleep(0.02)
    id_of = {row.seq: row.id for row in rows}
    order = defaultdict(list)
    for heard in receiver.heard:
        seq = json.loads(heard.body)["data"]["seq"]
        assert heard.delivery_id == id_of[seq]
        order[seq % CALLS].append(seq)
    for call in range(CALLS):
        assert order[call] == sorted(order[call])  # also what came twice
        assert list(dict.fromkeys(order[call])) == [row.seq for row in rows if row.order_key == f"call {call}"]
