"""The whole application on a scripted Asterisk: real UDP, real SQLite, real prompts, real recognizer."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.application.opening import open_application
from app.application.parts import Application
from app.cli.demo import find_free_port, find_free_udp_range
from app.domain.events import Event
from app.settings import read_settings
from tests.scenarios.scripted_asterisk import ScriptedAsterisk, open_scripted_asterisk

PATIENCE_SECONDS = 10.0

SLEEP: dict[str, Any] = {"type": "sleep", "option": {"duration": 600_000}}
FLOWS: dict[str, list[dict[str, Any]]] = {
    "100": [SLEEP],
    "101": [{"type": "answer"}, {"type": "transcribe_start"}, SLEEP],
    "102": [{"type": "talk", "option": {"text": "Please leave your name after the tone."}}],
    "103": [
        {"type": "answer"},
        {"type": "transcribe_start"},
        {"type": "talk", "option": {"text": "Please hold the line.", "digits_handle": "next"}},
        {"type": "hangup"},
    ],
}


@dataclass
class Scenario:
    """The application, its Asterisk, and what the application said on its event bus."""

    asterisk: ScriptedAsterisk
    application: Application
    events: list[Event] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def types(self) -> list[str]:
        return [str(event.type) for event in self.events]

    async def until(self, is_true: Callable[[], object], what: str) -> None:
        """Wait until a condition on the events holds."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not is_true():
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            raise AssertionError(f"waited until {what}; events: {self.types}") from None

    async def happened(self, event_type: str, times: int = 1) -> Event:
        """Wait for the event of that type; the newest one."""
        await self.until(lambda: self.types.count(event_type) >= times, event_type)
        return next(event for event in reversed(self.events) if event.type == event_type)


@asynccontextmanager
async def open_scenario(home: Path) -> AsyncIterator[Scenario]:
    """Run one; at its end nothing may be left: no channel or bridge of ours, no task, no thread."""
    threads = own_threads()
    before = asyncio.all_tasks()
    flows = home / "flows"
    flows.mkdir()
    for number, actions in FLOWS.items():
        flow = {"name": number, "numbers": [number], "language": "en-US", "actions": actions}
        (flows / f"{number}.json").write_text(json.dumps(flow))
    first = find_free_udp_range(60)
    async with open_scripted_asterisk() as asterisk:
        settings = read_settings(
            home=home,
            flows=flows,
            http_port=find_free_port(),
            rtp_ports=f"{first}-{first + 59}",
            ari_url=asterisk.url,
            ari_user=asterisk.user,
            ari_password=asterisk.password,
        )
        async with open_application(settings) as application:
            scenario = Scenario(asterisk, application)
            with application.bus.subscribe(limit=10_000) as subscription:
                collecting = asyncio.create_task(_collect(scenario, subscription))
                yield scenario
                assert asterisk.leftovers() == []
                assert len(application.live_calls) == 0
                assert len(application.transcribes) == 0
                subscription.close()
                await collecting
    # pytest-asyncio runs the two ends of a fixture in tasks of its own.
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, left
    for thread in own_threads() - threads:
        await asyncio.to_thread(thread.join, 2)  # it was told to end and is at its last lines
    assert not own_threads() - threads


def own_threads() -> set[threading.Thread]:
    """The threads that run, but for the pools that event loop and file watcher keep until the loop itself ends."""
    kept = ("asyncio_", "AnyIO", "MainThread")
    return {thread for thread in threading.enumerate() if not thread.name.startswith(kept)}


async def _collect(scenario: Scenario, subscription: Any) -> None:
    async for event in subscription:
        scenario.events.append(event)
        scenario.news.set()


@pytest.fixture
async def scenario(tmp_path: Path) -> AsyncIterator[Scenario]:
    async with open_scenario(tmp_path) as opened:
        yield opened
