"""One Callscribe for all real calls of this folder, as a process of its own with the real Asterisk and recognizers."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.asterisk.calls.instance import Instance, open_instance

PROMPT = "This call is being transcribed for quality assurance"

FLOWS: dict[str, Any] = {
    "english": {
        "name": "english",
        "numbers": ["7101"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "transcribe_start"},
            {"type": "talk", "option": {"text": PROMPT}},
            {"type": "sleep", "option": {"duration": 600_000}},
        ],
    },
    "korean": {
        "name": "korean",
        "numbers": ["7102"],
        "language": "ko-KR",
        "actions": [
            {"type": "answer"},
            {"type": "transcribe_start"},
            {"type": "sleep", "option": {"duration": 600_000}},
        ],
    },
    "long-talk": {
        "name": "long talk",
        "numbers": ["7103"],
        "language": "en-US",
        "actions": [{"type": "transcribe_start"}, {"type": "talk", "option": {"text": (PROMPT + ". ") * 10}}],
    },
    "ringing": {
        "name": "rings for ever",
        "numbers": ["7104"],
        "language": "en-US",
        "actions": [{"type": "sleep", "option": {"duration": 600_000}}],
    },
    "broken-sound": {
        "name": "plays what is not there",
        "numbers": ["7105"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "play", "option": {"stream_urls": ["http://127.0.0.1:9/nothing.wav"]}},
            {"type": "transcribe_start"},
            {"type": "talk", "option": {"text": PROMPT}},
        ],
    },
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running() -> AsyncIterator[Instance]:
    """A running Callscribe, healthy, its events followed over the WebSocket."""
    async with open_instance(FLOWS) as instance:
        yield instance
