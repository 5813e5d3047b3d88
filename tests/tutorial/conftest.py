"""One Callscribe for the whole tutorial, and the people who are called and who call."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.asterisk.calls.instance import Instance, open_instance
from tests.asterisk.calls.sip_peer import SipPeer, open_sip_peer
from tests.tutorial.samples import CUSTOMER, Localizer

ROOM = "7a0f3c1e-1c0a-4a43-9c0f-51d5a4b0f7a1"
SLEEP = {"type": "sleep", "option": {"duration": 600_000}}
EXAMPLE_FLOWS = Path(__file__).parents[2] / "examples" / "flows"

FLOWS: dict[str, Any] = {
    "waiting": {"name": "answers and waits", "numbers": ["7601"], "actions": [{"type": "answer"}, SLEEP]},
    "recorded": {
        "name": "is recorded",
        "numbers": ["7602"],
        "actions": [{"type": "answer"}, {"type": "recording_start"}, SLEEP],
    },
    "room": {
        "name": "three in a room",
        "numbers": ["7603"],
        "actions": [{"type": "conference_join", "option": {"conference_id": ROOM}}],
    },
    **{path.stem: json.loads(path.read_text()) for path in EXAMPLE_FLOWS.glob("*.json")},
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house() -> AsyncIterator[Instance]:
    """A running Callscribe whose webhooks may go to this machine."""
    async with open_instance(FLOWS, CALLSCRIBE_WEBHOOK_NETWORKS="127.0.0.0/8") as instance:
        yield instance


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tutorial(house: Instance) -> Localizer:
    """The samples with the host, and the token that a login gives."""
    credentials = {"username": "admin", "password": "of the tests only"}
    async with house.session.post(f"http://127.0.0.1:{house.http_port}/auth/login", json=credentials) as reply:
        assert reply.status == 200
        login = await reply.json()
    return Localizer(house.http_port, login["token"], ids={CUSTOMER: house.customer_id})


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def provider(house: Instance) -> AsyncIterator[SipPeer]:
    """A SIP provider behind a trunk made by the API; American numbers may be called."""
    async with open_sip_peer("provider") as peer:
        code, trunk = await house.post(
            "/trunks", {"name": "provider", "domain_name": "provider.test", "hostname": peer.host}
        )
        assert code == 200, trunk
        code, config = await house.put("/outbound_config", {"destination_whitelist": ["us"]})
        assert code == 200, config
        yield peer
