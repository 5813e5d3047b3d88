"""One Callscribe for all real calls of this folder, as a process of its own with the real Asterisk and recognizers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.asterisk.calls.conversation import Conversation, hold_all, write_script
from tests.asterisk.calls.instance import Instance, open_instance
from tests.speech_files import SpokenFile, english_files, korean_files, prompt_files

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
    "silent": {
        "name": "answers and waits",
        "numbers": ["7106"],
        "language": "en-US",
        "actions": [{"type": "answer"}, {"type": "sleep", "option": {"duration": 600_000}}],
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


ENGLISH_CALLS, KOREAN_CALLS = 5, 2
LEAST_WORDS = 500


@dataclass(frozen=True)
class Held:
    """Conversations that were held at the same time: English ones and, where there is Korean speech, Korean ones."""

    english: list[Conversation]
    korean: list[Conversation]


def english_with_prompts() -> list[SpokenFile]:
    """Human speech of at least 500 words: the shared folder where present, librivox, Asterisk's prompts."""
    chosen = english_files()
    for spoken in prompt_files(most=100):
        if sum(len(text.split()) for _, text in chosen) >= LEAST_WORDS + 20:
            break
        chosen.append(spoken)
    return chosen


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def held(running: Instance, tmp_path_factory: pytest.TempPathFactory) -> Held:
    """All conversations of the accuracy tests, at once: they take as long as the longest."""
    folder = tmp_path_factory.mktemp("speech")
    english = {
        f"english{n}": write_script(english_with_prompts()[n::ENGLISH_CALLS], folder / f"english{n}.wav")
        for n in range(ENGLISH_CALLS)
    }
    korean = {
        f"korean{n}": write_script(korean_files()[n::KOREAN_CALLS], folder / f"korean{n}.wav")
        for n in range(KOREAN_CALLS if korean_files() else 0)
    }
    return Held(*await asyncio.gather(hold_all(running, "7101", english), hold_all(running, "7102", korean)))
