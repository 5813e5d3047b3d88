from collections.abc import AsyncIterator

import pytest

from app.ari.ari import Ari, open_ari
from app.ari.backoff import Backoff
from tests.scenarios.scripted_asterisk import ScriptedAsterisk, open_scripted_asterisk

QUICK = Backoff(first_seconds=0.01, limit_seconds=0.05)


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    async with open_scripted_asterisk(speed=10) as scripted:
        yield scripted


@pytest.fixture
async def ari(asterisk: ScriptedAsterisk) -> AsyncIterator[Ari]:
    async with open_ari(
        asterisk.url, asterisk.user, asterisk.password, heartbeat_seconds=0.2, backoff=QUICK
    ) as connected:
        yield connected
