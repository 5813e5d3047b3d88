"""The naive peer, and each file alone: what our figures stand beside. Runs as a process of its own, with nothing else.

`python -m benchmarks.load.peer naive --language ko-KR` is vosk-server's way: for each direction of each call one
KaldiRecognizer, fed with all sound, silence too, in chunks as they come, partial results asked for each, on a pool of
as many threads as there are processors. The most two-sided calls for which it keeps up are those whose backlog (how
long the oldest chunk waits) stays under a second. Chunks are 200 ms long, the cheapest for Vosk, and neither Asterisk
nor SIPp run meanwhile: both flatter the peer. `python -m benchmarks.load.peer alone` decodes conversations one by
one through our own segmenter, for the error rate without load. The last line is JSON.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import vosk

from app.domain.audio import FRAME_BYTES, FRAME_SECONDS, SAMPLE_RATE, Frame
from app.errors import CallscribeError
from app.settings import read_settings
from app.speech.feed_events import FeedEvent
from app.speech.feed_events import Final as FinalText
from app.speech.installed_model import InstalledModel
from app.speech.model_library import ModelLibrary
from app.speech.recognition_pool import RecognitionPool, open_recognition_pool
from app.speech.recognizer_choice import parse_recognizer_choice
from benchmarks.load.hearing import DIRECTIONS, error_percent, is_of
from benchmarks.load.script import Said, Script, make_scripts

CHUNK_SECONDS: Final = 0.2
CHUNK_BYTES: Final = int(CHUNK_SECONDS * SAMPLE_RATE) * 2
MOST_BACKLOG_SECONDS: Final = 1.0
WARM_CHUNKS: Final = 10
MOST_ROUNDS: Final = 5
_ROOM_SECONDS: Final = 4.0


class _Stream:
    """One direction of one call: its chunks in order, one at a time."""

    def __init__(self, model: Any, pcm: bytes) -> None:
        self._recognizer = vosk.KaldiRecognizer(model, SAMPLE_RATE)
        self._recognizer.SetWords(True)
        self._pcm = pcm
        self.future: Future[None] | None = None
        self.due: deque[tuple[float, bytes]] = deque()

    def chunk(self, number: int) -> bytes:
        """Chunk `number` of the sound, which goes round and round."""
        at = number * CHUNK_BYTES % (len(self._pcm) // CHUNK_BYTES * CHUNK_BYTES)
        return self._pcm[at : at + CHUNK_BYTES]

    def decode(self, pcm: bytes) -> None:
        """What vosk-server does with a message."""
        if self._recognizer.AcceptWaveform(pcm):
            self._recognizer.Result()
        else:
            self._recognizer.PartialResult()


def keeps_up(model: Any, scripts: list[Script], calls: int, seconds: float) -> tuple[bool, float]:
    """Feed `calls` conversations in real time; whether it keeps up, and the longest backlog in seconds."""
    talks = [scripts[n % len(scripts)] for n in range(calls)]
    streams = [_Stream(model, side.pcm) for talk in talks for side in (talk.caller, talk.callee)]
    longest = 0.0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # A fresh recognizer's first decode takes most of a second: not counted.
        list(pool.map(lambda stream: [stream.decode(stream.chunk(n)) for n in range(WARM_CHUNKS)], streams))
        begun = time.monotonic()
        number = 0
        while longest <= MOST_BACKLOG_SECONDS and (now := time.monotonic() - begun) < seconds:
            while (number + 1) * CHUNK_SECONDS <= now:
                for n, stream in enumerate(streams):
                    stream.due.append(((number + 1) * CHUNK_SECONDS, stream.chunk(number + 37 * n)))
                number += 1
            for stream in streams:
                if stream.due:
                    longest = max(longest, now - stream.due[0][0])
                    if stream.future is None or stream.future.done():
                        stream.future = pool.submit(stream.decode, stream.due.popleft()[1])
            time.sleep(0.005)
        pool.shutdown(wait=True, cancel_futures=True)
    return longest <= MOST_BACKLOG_SECONDS, longest


def measure_naive(language: str, seconds: float) -> dict[str, Any]:
    """The most two-sided calls that keep up, searched from what the processors promise."""
    library = ModelLibrary(read_settings().install_dir, parse_recognizer_choice("vosk"))
    installed = _vosk_model(library, language)
    vosk.SetLogLevel(-1)
    model = vosk.Model(str(installed.path))
    scripts = make_scripts(language, 4, 60.0)
    promised = _promise(model, scripts)
    calls = max(1, int(promised))
    best, failed = 0, 2 * calls
    rounds: list[dict[str, Any]] = []
    while len(rounds) < MOST_ROUNDS and failed - best > 1:
        is_held, backlog = keeps_up(model, scripts, calls, seconds)
        rounds.append({"calls": calls, "keeps_up": is_held, "longest_backlog_seconds": round(backlog, 2)})
        print(f"naive Vosk: {rounds[-1]}", file=sys.stderr, flush=True)
        best, failed = (calls, failed) if is_held else (best, calls)
        calls = (best + failed + 1) // 2
    found = {"two_sided_calls": best, "language": language, "model": installed.name}
    return found | {"promised": round(promised, 1), "rounds": rounds}


def _vosk_model(library: ModelLibrary, language: str) -> InstalledModel:
    """Vosk's model of the language, or the Korean one as a stand-in."""
    try:
        return library.resolve(language)
    except CallscribeError:
        return library.resolve("ko-KR")


def _promise(model: Any, scripts: list[Script]) -> float:
    """How many two-sided calls the processors could carry, by the CPU that one takes for 15 s with warm recognizers."""
    streams = [_Stream(model, side.pcm) for side in (scripts[0].caller, scripts[0].callee)]
    begun = 0.0
    warm, whole = round(_ROOM_SECONDS / CHUNK_SECONDS), round(19.0 / CHUNK_SECONDS)
    for number in range(whole):
        if number == warm:
            begun = time.process_time()
        for stream in streams:
            stream.decode(stream.chunk(number))
    used = time.process_time() - begun
    return (os.cpu_count() or 1) * (whole - warm) * CHUNK_SECONDS / used


async def decode_alone(language: str, count: int, seconds: float, recognizer: str) -> dict[str, Any]:
    """What is heard of `count` conversations without load: `texts` has [script, direction, number, said, heard]."""
    scripts = make_scripts(language, count, seconds)
    library = ModelLibrary(read_settings().install_dir, parse_recognizer_choice(recognizer))
    async with open_recognition_pool(library) as pool:
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
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--recognizer", default="auto", help="as CALLSCRIBE_RECOGNIZER")
    options = parser.parse_args()
    if options.what == "naive":
        print(json.dumps(measure_naive(options.language, options.seconds)))
    else:
        print(
            json.dumps(asyncio.run(decode_alone(options.language, options.count, options.seconds, options.recognizer)))
        )


if __name__ == "__main__":
    main()
