"""A process that sends webhooks from a database until it is killed: `python sender_process.py DATABASE_URL`."""

import asyncio
import sys

from app.delivery.webhook_networks import read_webhook_networks
from app.delivery.webhook_schedule import RetrySchedule
from app.delivery.webhook_sender import open_webhook_sender
from app.store import open_store


async def main(url: str) -> None:
    schedule = RetrySchedule(first_seconds=0.02, limit_seconds=0.1)
    async with (
        open_store(url) as store,
        open_webhook_sender(store, read_webhook_networks("127.0.0.0/8"), schedule) as sender,
    ):
        await sender.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
