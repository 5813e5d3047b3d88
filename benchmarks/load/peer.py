"""What our figures stand beside, as a process of its own: the naive peer, and the same sound without load.

`python -m benchmarks.load.peer naive --language ko-KR` is vosk-server's way (naive.py). `python -m benchmarks.load.peer
alone` decodes conversations one by one through our own segmenter, for the error rate without load. The last line is
JSON.
"""

import argparse
import asyncio
import json
import os
from functools import partial
from typing import Any, Final

from app.domain.audio import FRAME_BYTES, FRAME_SECONDS, Frame
from app.settings import read_settings
from app.speech.engines import load_engine
from app.speech.feed_events import FeedEvent
from app.speech.feed_events import Final as FinalText
from app.speech.model_library import ModelLibrary
from app.speech.recognition_pool import RecognitionPool, open_recognition_pool
from app.speech.recognizer_choice import parse_recognizer_choice
from app.speech.vosk_graph import graphs_in
from benchmarks.load.hearing import DIRECTIONS, error_percent, is_of
from benchmarks.load.naive import measure_naive
from benchmarks.load.script import Said, make_scripts

_ROOM_SECONDS: Final = 4.0


async def decode_alone(language: str, count: int, seconds: float, recognizer: str) -> dict[str, Any]:
    """What is heard of `count` conversations without load: `texts` has [script, direction, number, said, heard]."""
    scripts = make_scripts(language, count, seconds)
    install_dir = read_settings().install_dir
    library = ModelLibrary(install_dir, parse_recognizer_choice(recognizer))
    load = partial(load_engine, vosk_graphs=graphs_in(install_dir))
    async with open_recognition_pool(library, load=load) as pool:
        model = await pool.warm(language)
        sides = [(number, direction) for number in range(count) for direction in DIRECTIONS]
        room = asyncio.Semaphore(os.cpu_count() or 1)
        heard = await asyncio.gather(
            *(_decode(pool, language, scripts[number].side(direction).pcm, room) for number, direction in sides)
        )
    texts = [
        [script, direction, number, said.text, _text_of(said, finals)]
        for (script, direction), finals in zip(sides, heard, strict=True)
        for number, said in enumerate(scripts[script].side(direction).said)
    ]
    percent = error_percent(language, [str(row[3]) for row in texts], [str(row[4]) for row in texts])
    found = {"error_percent": percent, "language": language, "engine": str(model.engine), "model": model.name}
    return found | {"texts": texts}


def _text_of(said: Said, finals: list[FinalText]) -> str:
    """The texts of what was said there."""
    return " ".join(final.text for final in finals if is_of(final.started_at, final.ended_at, said.start, said.end))


async def _decode(pool: RecognitionPool, language: str, pcm: bytes, room: asyncio.Semaphore) -> list[FinalText]:
    finals: list[FinalText] = []

    def listen(event: FeedEvent) -> None:
        if isinstance(event, FinalText):
            finals.append(event)

    # Patient: what comes faster than real time is not taken for an overload.
    async with room, pool.open_feed(language, listen, has_interims=False, is_patient=True) as feed:
        for number, at in enumerate(range(0, len(pcm) // FRAME_BYTES * FRAME_BYTES, FRAME_BYTES)):
            feed.push([Frame(pcm[at : at + FRAME_BYTES], number * FRAME_SECONDS)])
            if number % 50 == 0:
                await feed.wait_room(_ROOM_SECONDS)
        await feed.finish()
    return finals


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["naive", "alone"])
    parser.add_argument("--language", default="ko-KR")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=5, help="of the naive peer's search, at most")
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--recognizer", default="auto", help="as CALLSCRIBE_RECOGNIZER")
    options = parser.parse_args()
    if options.what == "naive":
        print(json.dumps(measure_naive(options.language, options.seconds, options.rounds)))
    else:
        print(
            json.dumps(asyncio.run(decode_alone(options.language, options.count, options.seconds, options.recognizer)))
        )


if __name__ == "__main__":
    main()
