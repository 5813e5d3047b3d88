"""Phones for flows: extensions made by the API, with a telephone that registers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import PeerCall, SipPeer, open_sip_peer

PASSWORD = "correct-horse-7"
LOUD = 200.0


@asynccontextmanager
async def open_phone(running: Instance, extension: str, **how: Any) -> AsyncIterator[SipPeer]:
    """A phone that registers with an extension made by the API."""
    status, made = await running.post("/extensions", {"extension": extension, "password": PASSWORD})
    assert status == 200, made
    try:
        registrar = f"sip:127.0.0.1:{running.sip_port}"
        async with open_sip_peer(made["username"], registrar=registrar, password=PASSWORD, **how) as phone:
            assert await phone.wait_registered() == 200
            yield phone
    finally:
        await running.delete(f"/extensions/{made['id']}")


async def wait_loud(call: PeerCall, what: str, seconds: float = 12) -> None:
    """Wait until the call hears something."""
    import asyncio

    try:
        async with asyncio.timeout(seconds):
            while call.heard_level(0.4) < LOUD:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what}: nothing was heard, level {call.heard_level(0.4):.0f}") from None


async def wait_quiet(call: PeerCall, what: str, seconds: float = 12) -> None:
    """Wait until the call hears nothing for half a second."""
    import asyncio

    try:
        async with asyncio.timeout(seconds):
            while call.heard_level(0.5) > LOUD / 4:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what}: something was heard, level {call.heard_level(0.5):.0f}") from None


def call_of(running: Instance, **fields: Any) -> dict[str, Any]:
    """Return the newest state of the call with these fields, out of the events."""
    for event in reversed(running.events):
        if event["type"].startswith("call_") and all(event["data"].get(key) == value for key, value in fields.items()):
            return dict(event["data"])
    raise AssertionError(f"no call with {fields}")
