"""One customer of a Callscribe that others use too: what belongs to it, and its view of the API."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp

from tests.asterisk.calls.instance import Instance

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ADDRESSES = count()
NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Reply:
    """An answer: its status, its whole text, and the JSON in it where there is some."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def reason(self) -> str:
        return str(self.json["error"]["reason"])


@dataclass
class Tenant:
    """A customer; all that it makes has `word` in its name, the ids of its things are in `ids` by their resource."""

    house: Instance
    word: str
    key: str
    customer_id: str
    ids: dict[str, str] = field(default_factory=dict)
    frames: list[str] = field(default_factory=list)
    """All that its WebSocket was sent."""
    told: asyncio.Event = field(default_factory=asyncio.Event)
    phone: dict[str, Any] = field(default_factory=dict)
    number: str = ""
    room_number: str = ""
    queue_number: str = ""

    async def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Reply:
        """One request with this customer's key, or another credential; "" = none. Redirects are not followed.

        It is patient with the limit of its customer: an answer of 429 is waited out.
        """
        while True:
            async with (
                open_http(self.house, self.key if key is None else key) as session,
                session.request(method, path, json=body, allow_redirects=False) as reply,
            ):
                if reply.status != 429:
                    return Reply(reply.status, await reply.text(errors="replace"), dict(reply.headers))
            await asyncio.sleep(int(reply.headers["Retry-After"]))

    async def make(self, path: str, body: Any, *, resource: str = "") -> Any:
        """POST that has to succeed; its id is noted."""
        reply = await self.ask("POST", f"/v1.0/{path}", body)
        assert reply.status in (200, 201), (path, reply.text)
        made = reply.json
        self.ids[resource or path] = made.get("id", "")
        return made

    async def get(self, path: str) -> Any:
        """GET that has to succeed."""
        reply = await self.ask("GET", f"/v1.0/{path}")
        assert reply.status == 200, (path, reply.text)
        return reply.json

    async def follow(self) -> None:
        """Note all frames of its WebSocket until cancelled."""
        async with open_feed(self.house, self.key) as feed:
            await feed.send_json({"type": "subscribe", "topics": [f"customer_id:{self.customer_id}:"]})
            async for message in feed:
                self.frames.append(message.data)
                self.told.set()

    def events(self, *types: str) -> list[dict[str, Any]]:
        """The resources of those events, in their order."""
        found = (json.loads(frame) for frame in self.frames)
        return [frame["data"] for frame in found if frame["type"] in types]

    async def wait_for(self, count: int, event_type: str, seconds: float = 20) -> list[dict[str, Any]]:
        """Wait until its WebSocket has told so many events of this type."""
        try:
            async with asyncio.timeout(seconds):
                while len(self.events(event_type)) < count:
                    self.told.clear()
                    await self.told.wait()
        except TimeoutError:
            seen = [json.loads(frame)["type"] for frame in self.frames]
            raise AssertionError(f"{self.word}: no {count} {event_type} in {seconds} s; seen {seen[-40:]}") from None
        return self.events(event_type)

    def secrets(self) -> set[str]:
        """What nobody else may ever see: its word, its key, its ids, all ids that its WebSocket told."""
        told = {found for frame in self.frames for found in UUID.findall(frame)}
        mine = {self.word, self.key, self.customer_id, *self.ids.values(), *told}
        return {each.lower() for each in mine} - {NOBODY, ""}


def open_http(house: Instance, credential: str) -> aiohttp.ClientSession:
    """A session with this credential ("" = none), from an address of its own: limits by address are not met."""
    number = next(_ADDRESSES)
    address = f"127.1.{number // 250}.{number % 250 + 1}"
    return aiohttp.ClientSession(
        f"http://127.0.0.1:{house.http_port}",
        headers={"Authorization": f"Bearer {credential}"} if credential else {},
        connector=aiohttp.TCPConnector(force_close=True, local_addr=(address, 0)),
    )


@asynccontextmanager
async def open_feed(house: Instance, credential: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket with this credential; patient, as `Tenant.ask` is."""
    async with open_http(house, credential) as session:
        while True:
            try:
                async with session.ws_connect("/v1.0/ws") as feed:
                    yield feed
                    return
            except aiohttp.WSServerHandshakeError as error:
                if error.status != 429:
                    raise
            await asyncio.sleep(1)


async def create_customer(house: Instance, word: str) -> tuple[Tenant, str]:
    """Make one with the command, while the server runs; it and its admin's password."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "customers", "create", f"{word} limited", "--username", f"{word}-admin"),
        env=house.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    shown = dict(re.findall(r"^(customer|agent|password|access key)\s+(\S+)$", said.decode(), re.MULTILINE))
    assert shown["agent"] == f"{word}-admin"
    return Tenant(house, word, shown["access key"], shown["customer"]), shown["password"]
