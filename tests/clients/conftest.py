"""One Callscribe for VoIPBIN's own client, with a provider behind a trunk."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.asterisk.calls.instance import Instance, open_instance
from tests.asterisk.calls.sip_peer import SipPeer, open_sip_peer
from tests.clients.environment import install_client

FLOWS = {
    "reception": {
        "name": "reception",
        "numbers": ["7501"],
        "language": "en-US",
        "actions": [{"type": "transcribe_start"}, {"type": "talk", "option": {"text": "Hello."}}],
    }
}
"""Its language is loaded before the first call."""


@pytest.fixture(scope="session")
def client_program() -> Path:
    """VoIPBIN's `voipbin-mcp`, installed from its published package."""
    return install_client() / "voipbin-mcp"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(client_program: Path) -> AsyncIterator[Instance]:
    """A running Callscribe; the client is installed before it starts."""
    async with open_instance(FLOWS) as instance:
        yield instance


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def provider(house: Instance) -> AsyncIterator[SipPeer]:
    """A SIP provider that takes calls to American telephone numbers, which may be called from now on."""
    async with open_sip_peer("provider") as peer:
        code, trunk = await house.post(
            "/trunks", {"name": "provider", "domain_name": "provider.test", "hostname": peer.host}
        )
        assert code == 200, trunk
        await house.put("/outbound_config", {"destination_whitelist": ["us"]})
        yield peer
