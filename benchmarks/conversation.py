"""CPU of recognition per call-second of a two-sided conversation, in real time, with and without listeners.

`.venv/bin/python -m benchmarks.conversation [--seconds 60] [--language en-US]`: two directions, each speaks about 40 %
of the time, by turns, through voice activity, segmenter and recognition pool as a call's do. The pushing itself is
measured beside it, with the sound of a call in which nobody speaks, and taken off. Milliseconds of the process's CPU
time; with a listener interims are made. Runs with older trees too, where interims are always made:
`PYTHONPATH=OTHER_TREE python benchmarks/conversation.py`.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Sequence

from app.domain.audio import FRAME_BYTES, FRAME_SECONDS, SAMPLE_RATE, Frame
from app.settings import read_settings
from app.speech.feed_events import FeedEvent, Final, Interim
from app.speech.model_library import ModelLibrary
from app.speech.recognition_pool import RecognitionPool, open_recognition_pool
from tests.speech_files import english_files, korean_files, read_samples

BATCH = 5
SPEAKING_SHARE = 0.8
"""Of both together."""


def two_sides(language: str, seconds: float) -> tuple[bytes, bytes]:
    """Two directions that speak by turns."""
    files = english_files() if language.startswith("en") else korean_files()
    sides = [bytearray(), bytearray()]
    turn = 0
    while len(sides[0]) < seconds * 2 * SAMPLE_RATE:
        spoken = read_samples(files[turn % len(files)][0])
        pause = bytes(int(len(spoken) / 2 * (1 / SPEAKING_SHARE - 1)) * 2)
        for index, side in enumerate(sides):
            side.extend((spoken if index == turn % 2 else bytes(len(spoken))) + pause)
        turn += 1
    end = int(seconds * SAMPLE_RATE) * 2
    return bytes(sides[0][:end]), bytes(sides[1][:end])


def push_in_real_time(takers: Sequence[Callable[[Sequence[Frame]], None]], sides: tuple[bytes, bytes]) -> None:
    """Give each lane its frames, 100 ms every 100 ms."""
    begin = time.monotonic()
    for at in range(0, len(sides[0]) // FRAME_BYTES, BATCH):
        due = begin + (at + BATCH) * FRAME_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))
        for take, pcm in zip(takers, sides, strict=True):
            pieces = (pcm[index * FRAME_BYTES : (index + 1) * FRAME_BYTES] for index in range(at, at + BATCH))
            take(
                [
                    Frame(piece, begin + (at + i) * FRAME_SECONDS)
                    for i, piece in enumerate(pieces)
                    if len(piece) == FRAME_BYTES
                ]
            )


async def measure(
    pool: RecognitionPool, language: str, sides: tuple[bytes, bytes], *, has_listener: bool
) -> tuple[float, int, int]:
    """CPU milliseconds per call-second, and how many interims and finals came."""
    events: list[FeedEvent] = []
    async with pool.open_feed(language, events.append) as one, pool.open_feed(language, events.append) as other:
        for feed in (one, other):
            feed.lane.wants_interims = lambda: has_listener
        begun = time.process_time()
        await asyncio.to_thread(push_in_real_time, [one.push, other.push], sides)
        await one.finish()
        await other.finish()
        spent = (time.process_time() - begun) / (len(sides[0]) / 2 / SAMPLE_RATE) * 1000
    counts = [sum(isinstance(event, kind) for event in events) for kind in (Interim, Final)]
    return spent, counts[0], counts[1]


async def run(seconds: float, language: str) -> None:
    """Measure and print."""
    sides = two_sides(language, seconds)
    quiet = (bytes(int(seconds / 3 * SAMPLE_RATE) * 2),) * 2
    async with open_recognition_pool(ModelLibrary(read_settings().install_dir)) as pool:
        await pool.warm(language)
        pushing, _, _ = await measure(pool, language, quiet, has_listener=False)
        rows: dict[str, object] = {"language": language, "pushing_ms": round(pushing, 2)}
        for name, has_listener in (("with_listener", True), ("without", False)):
            spent, interims, finals = await measure(pool, language, sides, has_listener=has_listener)
            rows[name] = {"recognition_ms": round(spent - pushing, 2), "interims": interims, "finals": finals}
    print(json.dumps(rows))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--language", default="en-US")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.seconds, arguments.language))


if __name__ == "__main__":
    main()
