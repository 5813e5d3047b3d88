"""The webhook sender: takes deliveries from the outbox and tries until they are there, or given up (contract 7).

All its state is in the store: what was in flight when the process was killed is sent again, with the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver

from app.delivery.webhook_connector import open_webhook_session
from app.delivery.webhook_networks import WebhookNetworks
from app.delivery.webhook_request import Outcome, RequestLimits, receiver_of, send_webhook
from app.delivery.webhook_schedule import RetrySchedule
from app.delivery.webhook_slots import Lane, SlotLimits, WebhookSlots, lane_of
from app.domain.timestamps import now
from app.domain.webhook import DeliveryStatus, WebhookDelivery
from app.errors import NotFound, Unavailable
from app.logs import get_log
from app.store.store import Store

log = get_log("webhooks")

_AT_ONCE = 100  # what is read of the outbox at a time
_MOST_SCANS = 10
_SCAN_SHARE = 9.0  # after a look at the outbox nine times as long without one: a long queue costs a tenth of the time
_STORE_WAITS = (0.2, 1.0, 5.0)
_FAULT_SECONDS = 30.0
_SECRET_SECONDS = 1.0
_MOST_SECRETS = 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SenderLimits:
    """The bounds of the sender; `closing_seconds` is how long those in flight may take at the end."""

    request: RequestLimits = field(default_factory=RequestLimits)
    slots: SlotLimits = field(default_factory=SlotLimits)
    closing_seconds: float = 3.0


@dataclass(slots=True)
class WebhookCounts:
    """What the sender did since the start: attempts by their end."""

    delivered: int = 0
    retried: int = 0
    given_up: int = 0


@asynccontextmanager
async def open_webhook_sender(
    store: Store,
    networks: WebhookNetworks,
    schedule: RetrySchedule | None = None,
    *,
    limits: SenderLimits | None = None,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[WebhookSender]:
    """Yield a sender with its connections; it sends while its `run` runs."""
    async with open_webhook_session(networks, resolver) as session:
        yield WebhookSender(store, session, schedule or RetrySchedule(), limits or SenderLimits())


class WebhookSender:
    """Sends what is due, one after the other within a lane (address and call), lanes side by side."""

    def __init__(
        self, store: Store, session: aiohttp.ClientSession, schedule: RetrySchedule, limits: SenderLimits
    ) -> None:
        self._store = store
        self._session = session
        self._schedule = schedule
        self._limits = limits
        self._slots = WebhookSlots(limits.slots)
        self._waiting: dict[Lane, WebhookDelivery] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_changed = asyncio.Event()
        self._must_scan = True
        self._scan_not_before = 0.0
        self._next_due: datetime | None = None
        self._secrets: dict[str, tuple[str, float]] = {}
        self.counts = WebhookCounts()

    @property
    def in_flight(self) -> int:
        """How many are on their way now."""
        return len(self._slots)

    @property
    def waiting(self) -> int:
        """How many that are due wait for a free slot, of those that were read from the outbox."""
        return len(self._waiting)

    def wake(self) -> None:
        """There may be new deliveries; called on the event loop, never blocks."""
        self._must_scan = True
        self._has_changed.set()

    async def run(self) -> None:
        """Send until cancelled; then those in flight get some seconds, what is not there by then stays pending."""
        try:
            while True:
                self._has_changed.clear()
                await self._until_stored(self._fill)
                await self._wait()
        finally:
            await self._close()

    async def _fill(self) -> None:
        """Start what may be started: first what is known to be due, then what the outbox has."""
        self._start_waiting()
        loop = asyncio.get_running_loop()
        if self._next_due is not None and self._next_due <= now():
            self._must_scan = True
        if not self._must_scan or not self._slots.has_room or loop.time() < self._scan_not_before:
            return
        self._must_scan = False  # before: a wake in the meantime counts
        began = loop.time()
        try:
            await self._scan()
        except Unavailable:
            self._must_scan = True
            raise
        took = loop.time() - began
        self._scan_not_before = loop.time() + took * _SCAN_SHARE

    async def _scan(self) -> None:
        """Read the first due delivery of each lane; look past receivers that have all they may."""
        outbox = self._store.webhook_deliveries
        passed: set[str] = set()
        self._waiting.clear()
        for _ in range(_MOST_SCANS):
            moment = now()
            due = await outbox.due(moment, _AT_ONCE, without=tuple(passed))
            self._waiting.update({lane_of(each): each for each in due if not self._slots.holds(lane_of(each))})
            self._start_waiting()
            is_all = len(due) < _AT_ONCE
            if is_all or not self._slots.has_room:
                break
            passed.update(each.uri for each in due)
        self._must_scan = self._must_scan or not is_all
        self._next_due = await outbox.next_due(after=moment)

    def _start_waiting(self) -> None:
        while (chosen := self._slots.choose(self._waiting.values())) is not None:
            del self._waiting[lane_of(chosen)]
            self._slots.take(chosen)
            task = asyncio.create_task(self._deliver(chosen), name=f"webhook {chosen.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait(self) -> None:
        """Sleep until something has changed, or the next is due."""
        loop = asyncio.get_running_loop()
        timeout: float | None = None
        if self._must_scan and self._slots.has_room:
            timeout = max(0.0, self._scan_not_before - loop.time())
        elif self._next_due is not None and self._slots.has_room:
            timeout = max(0.0, (self._next_due - now()).total_seconds())
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._has_changed.wait()

    async def _deliver(self, delivery: WebhookDelivery) -> None:
        """One attempt from the request to what is stored of it; then the next one of the lane may go."""
        following: WebhookDelivery | None = None
        try:
            outcome = await self._attempt(delivery)
            tried = self._schedule.after(delivery, outcome, now())
            self._count(tried, outcome)
            following = await self._until_stored(lambda: self._store_attempt(tried))
        except Exception:  # isolation boundary: a fault of ours with one delivery must not stop the others
            log.exception("a webhook delivery failed by a fault of ours", delivery=delivery.id)
            await asyncio.sleep(_FAULT_SECONDS)
            self._must_scan = True
        finally:
            self._slots.free(delivery)
            if following is not None:
                self._note_next(following)
            self._has_changed.set()

    async def _attempt(self, delivery: WebhookDelivery) -> Outcome:
        secret = await self._until_stored(lambda: self._secret_of(delivery.customer_id))
        outcome = await send_webhook(self._session, delivery, secret, self._limits.request)
        receiver = receiver_of(delivery.uri)
        if outcome.is_silent and not self._slots.is_silent(delivery.uri):
            log.warning("a webhook receiver does not answer", receiver=receiver, error=outcome.error)
        elif self._slots.is_silent(delivery.uri) and not outcome.is_silent:
            log.info("a webhook receiver answers again", receiver=receiver)
        self._slots.note_answer(delivery.uri, is_silent=outcome.is_silent)
        return outcome

    async def _store_attempt(self, tried: WebhookDelivery) -> WebhookDelivery | None:
        """Store how the attempt ended; return the first that waits in its lane now."""
        async with self._store.transaction() as tx:
            try:
                await tx.webhook_deliveries.update(tried)
            except NotFound:
                log.info("a webhook delivery was deleted on its way", delivery=tried.id)
            return await tx.webhook_deliveries.first_pending(tried.uri, tried.order_key)

    async def _secret_of(self, customer_id: str) -> str:
        """Return what the customer's webhooks are signed with, "" for nothing; a new one counts within a second."""
        moment = asyncio.get_running_loop().time()
        known = self._secrets.get(customer_id)
        if known is not None and moment < known[1]:
            return known[0]
        customer = await self._store.customers.get_by_id(customer_id)
        if customer is None or not customer.webhook_secret:
            return ""
        if len(self._secrets) >= _MOST_SECRETS:
            self._secrets.clear()
        self._secrets[customer_id] = customer.webhook_secret, moment + _SECRET_SECONDS
        return customer.webhook_secret

    def _note_next(self, delivery: WebhookDelivery) -> None:
        if delivery.tm_next <= now():
            self._waiting[lane_of(delivery)] = delivery
        elif self._next_due is None or delivery.tm_next < self._next_due:
            self._next_due = delivery.tm_next

    def _count(self, tried: WebhookDelivery, outcome: Outcome) -> None:
        if tried.status is DeliveryStatus.DELIVERED:
            self.counts.delivered += 1
        elif tried.status is DeliveryStatus.PENDING:
            self.counts.retried += 1
        else:
            self.counts.given_up += 1
            log.warning(
                "a webhook delivery was given up",
                delivery=tried.id,
                receiver=receiver_of(tried.uri),
                attempts=tried.attempts,
                error=outcome.error,
            )

    async def _until_stored(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Repeat a store operation until the store is there."""
        attempts = 0
        while True:
            try:
                return await operation()
            except Unavailable as error:
                if attempts == 0:
                    log.warning("the store is away, webhooks wait for it", error=error.message)
                await asyncio.sleep(_STORE_WAITS[min(attempts, len(_STORE_WAITS) - 1)])
                attempts += 1

    async def _close(self) -> None:
        tasks = tuple(self._tasks)
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._limits.closing_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            log.info("webhooks on their way at the end are sent again at the next start", deliveries=len(late))
