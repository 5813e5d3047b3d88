"""One Callscribe for all real flows of this folder, as a process of its own with the real Asterisk.

It runs the flows in `FLOWS` (file name -> JSON) of every test module that is run, with the settings in their `SETTINGS`
(CALLSCRIBE_...). Names and numbers belong to one module each. What takes its time is begun by `begin(running)` of a
module when the instance is up, before the first test.
"""

from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio

from tests.asterisk.calls.instance import Instance, open_instance

STANDING_BY = "standing by"
"""A flow that no call reaches: an instance without any is not healthy; a module that makes its own can run alone."""


def collect_flows(modules: list[ModuleType]) -> dict[str, Any]:
    """Return the flows of all these modules; two of one name or number are a fault of the tests."""
    flows: dict[str, Any] = {}
    for module in modules:
        for name, flow in getattr(module, "FLOWS", {}).items():
            taken = {number for other in flows.values() for number in other.get("numbers", [])}
            assert name not in flows, f"{module.__name__}: the flow {name} is also in another module"
            assert not taken & set(flow.get("numbers", [])), f"{module.__name__}: a number of {name} is taken"
            flows[name] = flow
    return flows


def collect_settings(modules: list[ModuleType]) -> dict[str, str]:
    """Return the settings that these modules ask for."""
    settings: dict[str, str] = {}
    for module in modules:
        for name, value in getattr(module, "SETTINGS", {}).items():
            assert settings.setdefault(name, value) == value, f"{module.__name__}: {name} has another value elsewhere"
    return settings


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running5(request: pytest.FixtureRequest) -> AsyncIterator[Instance]:
    """A running Callscribe, healthy, its events followed over the WebSocket."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    modules = list(dict.fromkeys(item.module for item in items if "running5" in item.fixturenames))
    flows = {STANDING_BY: {"name": STANDING_BY, "actions": [{"type": "hangup"}]}} | collect_flows(modules)
    async with open_instance(flows, **collect_settings(modules)) as instance:
        for module in modules:
            if begin := getattr(module, "begin", None):
                await begin(instance)
        yield instance
