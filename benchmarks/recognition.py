"""CPU of recognition per second of call, against the naive way: two recognizers that are fed every frame.

`.venv/bin/python -m benchmarks.recognition [--seconds 60]`: silence, one-sided and two-sided human speech (each side
about 40 % of the time, by turns), pushed in real time through voice activity, segmenter and recognition pool as a call
does it, interims on. Naive = vosk-server's way: one Vosk recognizer per direction, fed with all there is, silence too.
English runs on Moonshine; its naive rival is Vosk with the Korean model on the same English sound, as a stand-in where
Vosk's English model is not installed. Ours decodes with the graph that `callscribe models compose ko-KR` made, where
it is there; `--plain` without. Prints a table and one JSON line.
"""

import argparse
import asyncio
import json
import time
from functools import partial
from typing import Any

from app.domain.audio import FRAME_BYTES, FRAME_SECONDS, SAMPLE_RATE, Frame
from app.settings import read_settings
from app.speech.engines import load_engine
from app.speech.installed_model import InstalledModel
from app.speech.model_library import ModelLibrary
from app.speech.recognition_pool import RecognitionPool, open_recognition_pool
from app.speech.recognizer import SpeechEngine
from app.speech.vosk_graph import graphs_in
from app.speech.vosk_tuning import VoskTuning
from tests.speech_files import SpokenFile, english_files, korean_files, read_samples

NAIVE_CHUNK = 1600  # 100 ms: the decoder works in steps, smaller ones only cost more


def quiet(seconds: float) -> bytes:
    """Digital silence, as a snoop sends it."""
    return bytes(int(seconds * SAMPLE_RATE) * 2)


def two_sides(files: list[SpokenFile], seconds: float, *, is_one_sided: bool) -> tuple[bytes, bytes]:
    """Two directions of `seconds`: the speakers take turns, or one speaks with pauses of the same length."""
    sides = [b"", b""]
    turn = 0
    while len(sides[0]) < seconds * 2 * SAMPLE_RATE:
        spoken = read_samples(files[turn % len(files)][0])
        rest = quiet(len(spoken) / 2 / SAMPLE_RATE)
        speaking, listening = (spoken, rest) if is_one_sided or turn % 2 == 0 else (rest, spoken)
        gap = rest if is_one_sided else quiet(1.0)
        sides[0] += speaking + gap
        sides[1] += listening + gap
        turn += 1
    end = int(seconds * SAMPLE_RATE) * 2
    return sides[0][:end], sides[1][:end]


def push_in_real_time(push: list[Any], sides: tuple[bytes, bytes]) -> None:
    """Give each lane its frames, 20 ms every 20 ms."""
    begin = time.monotonic()
    for at in range(0, len(sides[0]) // FRAME_BYTES * FRAME_BYTES, FRAME_BYTES):
        due = begin + at / FRAME_BYTES * FRAME_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))
        for one, pcm in zip(push, sides, strict=True):
            one([Frame(pcm[at : at + FRAME_BYTES], due)])


async def measure_ours(pool: RecognitionPool, language: str, sides: tuple[bytes, bytes]) -> float:
    """CPU seconds per second of call of everything from the frames to the texts."""
    async with (
        pool.open_feed(language, lambda _: None) as one,
        pool.open_feed(language, lambda _: None) as other,
    ):
        begin = time.process_time()
        await asyncio.to_thread(push_in_real_time, [one.push, other.push], sides)
        await one.finish()
        await other.finish()
        return (time.process_time() - begin) / (len(sides[0]) / 2 / SAMPLE_RATE)


def measure_naive(engine: SpeechEngine, sides: tuple[bytes, bytes]) -> float:
    """CPU seconds per second of call of two recognizers that get everything."""
    recognizers = [engine.create_recognizer() for _ in sides]
    begin = time.process_time()
    for at in range(0, len(sides[0]), NAIVE_CHUNK):
        for recognizer, pcm in zip(recognizers, sides, strict=True):
            recognizer.accept(pcm[at : at + NAIVE_CHUNK])
            recognizer.interim()
    for recognizer in recognizers:
        recognizer.finish()
        recognizer.close()
    return (time.process_time() - begin) / (len(sides[0]) / 2 / SAMPLE_RATE)


async def run(seconds: float, *, is_plain: bool) -> None:
    """Measure both engines in one run."""
    install_dir = read_settings().install_dir
    library = ModelLibrary(install_dir)
    naive_model: InstalledModel = library.resolve("ko-KR")
    naive = await asyncio.to_thread(load_engine, naive_model, 1, VoskTuning(0, 0))
    ours = partial(load_engine, vosk_graphs=None if is_plain else graphs_in(install_dir))
    results: list[dict[str, Any]] = []
    async with open_recognition_pool(library, load=ours) as pool:
        for language, files in (("en-US", english_files()), ("ko-KR", korean_files())):
            if not files:
                continue
            model = await pool.warm(language)
            await measure_ours(pool, language, two_sides(files, 10, is_one_sided=False))  # recognizers get warm
            patterns = {
                "silence": (quiet(seconds), quiet(seconds)),
                "one-sided": two_sides(files, seconds, is_one_sided=True),
                "two-sided": two_sides(files, seconds, is_one_sided=False),
            }
            for name, sides in patterns.items():
                spent = await measure_ours(pool, language, sides)
                rival = await asyncio.to_thread(measure_naive, naive, sides)
                row = {
                    "engine": str(model.engine),
                    "pattern": name,
                    "ours_ms": round(spent * 1000, 1),
                    "naive_vosk_ms": round(rival * 1000, 1),
                    "ratio": round(spent / rival, 2),
                }
                results.append(row)
                print(
                    f"{row['engine']:<9}  {name:<9}  ours {row['ours_ms']:6} ms  naive {row['naive_vosk_ms']:6} ms  "
                    f"ratio {row['ratio']}",
                    flush=True,
                )
    naive.close()
    print(json.dumps(results))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--plain", action="store_true", help="ours without a composed graph, where there is one")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.seconds, is_plain=arguments.plain))


if __name__ == "__main__":
    main()
