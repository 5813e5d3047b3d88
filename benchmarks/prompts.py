"""CPU of what a party hears while our own prompts are played to it: recognised, against known by their samples.

`.venv/bin/python -m benchmarks.prompts [--rounds 5]`: ten English prompts (Asterisk's, a woman's voice) with a second
between them, pushed through the `out` direction's way as fast as it goes, decoded by Moonshine. Milliseconds of the
process's CPU time per second of what is heard, and per second of prompt; and the word error rate of both.
"""

import argparse
import asyncio
import json
import statistics
import time
import wave
from pathlib import Path
from tempfile import TemporaryDirectory

from app.call.played_media import PlayedMedia
from app.domain.audio import SAMPLE_RATE, Frame
from app.settings import read_settings
from app.speech.feed import Feed
from app.speech.feed_events import FeedEvent, Final
from app.speech.model_library import ModelLibrary
from app.speech.prompt_rendering import PIECE_CHARACTERS
from app.speech.recognition_pool import RecognitionPool, open_recognition_pool
from app.transcribe.known_prompts import KnownPrompts
from app.transcribe.prompt_ear import PromptEar
from benchmarks.scores import word_error_rate
from tests.speech_files import SpokenFile, frames_of, prompt_files, read_samples

BATCH = 50


async def push(feed: Feed, frames: list[Frame], ear: PromptEar | None) -> None:
    """Give the lane its frames, a second at a time."""
    take = feed.push if ear is None else ear.push
    for at in range(0, len(frames), BATCH):
        take(frames[at : at + BATCH])
        await feed.wait_room(4.0)
    await feed.finish()


async def measure(pool: RecognitionPool, files: list[SpokenFile], known: KnownPrompts | None) -> tuple[float, str]:
    """CPU seconds, and the text."""
    frames = frames_of(b"".join(read_samples(path) + bytes(2 * SAMPLE_RATE) for path, _ in files), 100.0)
    events: list[FeedEvent] = []
    played = PlayedMedia()
    async with pool.open_feed("en-US", events.append, has_interims=False) as feed:
        ear = None if known is None else PromptEar(played, known.find, "en", feed.push, feed.tell)
        begun = time.process_time()
        with played.of([str(path) for path, _ in files]):
            await push(feed, frames, ear)
        spent = time.process_time() - begun
    return spent, " ".join(event.text for event in events if isinstance(event, Final))


async def run(rounds: int) -> None:
    """Measure both ways by turns and print them."""
    files = [(path, text) for path, text in prompt_files() if len(text) <= PIECE_CHARACTERS][:10]
    seconds = sum(len(read_samples(path)) for path, _ in files) / 2 / SAMPLE_RATE
    heard = seconds + len(files)
    known = KnownPrompts()
    with TemporaryDirectory() as folder:
        for index, (path, text) in enumerate(files):
            copy = Path(folder) / f"{index}.wav"
            with wave.open(str(copy), "wb") as wav:
                wav.setnchannels(1)
                wav.setsampwidth(2)
                wav.setframerate(SAMPLE_RATE)
                wav.writeframes(read_samples(path))
            await known.note(str(path), copy, text, "en-US")
    results: dict[str, list[float]] = {"recognised": [], "known": []}
    errors = {}
    async with open_recognition_pool(ModelLibrary(read_settings().install_dir), threads=1) as pool:
        await pool.warm("en-US")
        for _ in range(rounds):
            for name, prompts in (("recognised", None), ("known", known)):
                spent, text = await measure(pool, files, prompts)
                results[name].append(spent)
                errors[name] = round(100 * word_error_rate([" ".join(said for _, said in files)], [text]), 1)
    rows = {
        name: {
            "ms_per_second_heard": round(statistics.median(values) / heard * 1000, 2),
            "ms_per_second_of_prompt": round(statistics.median(values) / seconds * 1000, 2),
            "wer_percent": errors[name],
        }
        for name, values in results.items()
    }
    print(json.dumps({"prompt_seconds": round(seconds, 1), **rows}))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    asyncio.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
