"""Conferences on a real store and journal, with an Asterisk that only notes what it is asked."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from app.ari.ari import Ari
from app.ari.errors import AriRefused
from app.ari.events import AriEvent, parse_message
from app.ari.operation import REQUEST_TIMEOUT_SECONDS
from app.call.conferences import ConferenceFields, Conferences
from app.call.live_call import LiveCall
from app.domain.call import CallDirection, CallStatus
from app.domain.conference import Conferencecall
from app.domain.customer import Customer
from app.domain.events import Event
from app.domain.ids import ZERO_ID
from app.event_bus import EventBus
from app.journal.journal import Journal, RenderedEvent
from app.store import Store
from tests.unit.call.fakes import FakeCall, make_call


class NotingAri(Ari):
    """Keeps bridges and who is in them; `refuses` maps paths' ends to the status that they get."""

    def __init__(self) -> None:
        super().__init__("callscribe")
        self.bridges: dict[str, list[str]] = {}
        self.refuses: dict[str, int] = {}
        self.asked: list[str] = []

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = {},
        body: Mapping[str, object] | None = None,
        *,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> object:
        self.asked.append(f"{method} {path}")
        await asyncio.sleep(0)
        for end, status in self.refuses.items():
            if path.endswith(end):
                raise AriRefused(status, "no", path)
        _, _, bridge_id, *rest = path.split("/")
        if rest and bridge_id not in self.bridges:
            raise AriRefused(404, "Bridge not found", path)
        if rest == ["addChannel"]:
            self.bridges[bridge_id].append(query["channel"])
        elif rest == ["removeChannel"]:
            if query["channel"] not in self.bridges[bridge_id]:
                raise AriRefused(422, "Channel not in this bridge", path)
            self.bridges[bridge_id].remove(query["channel"])
        elif method == "POST":
            assert bridge_id not in self.bridges, "two bridges of one id destroy each other"
            self.bridges[bridge_id] = []
        elif bridge_id not in self.bridges:
            raise AriRefused(404, "no such bridge", path)
        elif method == "DELETE":
            del self.bridges[bridge_id]
        return {}

    def say(self, event: AriEvent) -> None:
        self._take(event)

    def lose(self, bridge_id: str) -> None:
        """The bridge is gone without our doing."""
        del self.bridges[bridge_id]
        text = f'{{"type": "BridgeDestroyed", "bridge": {{"id": "{bridge_id}", "name": "", "channels": []}}}}'
        event = parse_message(text)
        assert isinstance(event, AriEvent)
        self.say(event)

    def drop(self, bridge_id: str, channel_id: str) -> None:
        """A channel leaves the bridge by itself."""
        self.bridges[bridge_id].remove(channel_id)
        event = parse_message(
            f'{{"type": "ChannelLeftBridge", "bridge": {{"id": "{bridge_id}", "name": "", "channels": []}}, '
            f'"channel": {{"id": "{channel_id}", "name": "PJSIP/x", "state": "Up"}}}}'
        )
        assert isinstance(event, AriEvent)
        self.say(event)


@dataclass
class House:
    """Conferences that run, and what they told."""

    ari: NotingAri
    journal: Journal
    store: Store
    customer: Customer
    conferences: Conferences
    events: list[Event] = field(default_factory=list)
    after: list[Conferencecall] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def types(self) -> list[str]:
        return [event.type.value for event in self.events]

    async def until(self, event_type: str, times: int = 1) -> None:
        try:
            async with asyncio.timeout(5):
                while self.types.count(event_type) < times:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"waited for {event_type}: {self.types}") from None

    async def open(self, **fields: Any) -> str:
        return (await self.conferences.create(self.customer.id, ConferenceFields(**fields))).id

    def call(self, name: str) -> FakeCall:
        record = make_call(CallDirection.INCOMING, CallStatus.PROGRESSING)
        return FakeCall(replace(record, customer_id=self.customer.id), channel_id=name)

    def enter(self, call: FakeCall, conference_id: str, activeflow_id: str = ZERO_ID) -> "asyncio.Task[Conferencecall]":
        joining = self.conferences.join(cast("LiveCall", call), conference_id, activeflow_id=activeflow_id)
        return asyncio.create_task(joining)


@asynccontextmanager
async def open_house(
    store: Store, customer: Customer, ari: NotingAri | None = None, *, is_alone: bool = True
) -> AsyncIterator[House]:
    """Run conferences; at the end no bridge and, where this is the only house, no task may be left."""
    before = asyncio.all_tasks()
    ari, bus = ari or NotingAri(), EventBus()
    journal = Journal(store, bus, lambda _: RenderedEvent("{}", ()))
    await journal.load()

    async def on_left(left: Conferencecall) -> None:
        house.after.append(left)

    conferences = Conferences(ari, journal, store, on_left=on_left)
    house = House(ari, journal, store, customer, conferences)

    async def collect(subscription: Any) -> None:
        async for event in subscription:
            house.events.append(event)
            house._news.set()

    with bus.subscribe(limit=5000) as subscription:
        collecting = asyncio.create_task(collect(subscription))
        running = asyncio.create_task(conferences.run())
        await asyncio.sleep(0.01)
        yield house
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        subscription.close()
        await collecting
    assert ari.bridges == {}
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left or not is_alone, left
