"""CPU time of one Moonshine decode by the utterance's length, and word error rate, on one thread.

`.venv/bin/python -m benchmarks.moonshine [--rounds 7]`: utterances of 1, 2, 4, 8 and 15 s cut from the English speech
(shared folder, librivox), decoded as the pool does it: the first time, and again with 0.4 s more (an interim, then the
final). Word error rate over the whole files. Milliseconds of the thread's CPU time, medians. Runs with older trees too:
`PYTHONPATH=OTHER_TREE python benchmarks/moonshine.py`.
"""

import argparse
import json
import statistics
import time
from importlib.util import find_spec
from pathlib import Path

from app.domain.audio import SAMPLE_RATE
from app.speech.engines import load_engine
from app.speech.installed_model import InstalledModel
from app.speech.recognizer import Recognizer
from benchmarks.scores import word_error_rate
from tests.speech_files import english_files, prompt_files, read_samples

SECONDS = (1, 2, 4, 8, 15)
MORE_SECONDS = 0.4


def measure(recognizer: Recognizer, pcm: bytes, more: bytes) -> tuple[float, float]:
    """CPU milliseconds of the decode of `pcm`, then of that with `more` behind it."""
    recognizer.accept(pcm)
    begun = time.thread_time()
    recognizer.interim()
    between = time.thread_time()
    recognizer.accept(more)
    resumed = time.thread_time()
    recognizer.finish()
    return (between - begun) * 1000, (time.thread_time() - resumed) * 1000


def run(rounds: int) -> None:
    """Measure and print a table and one JSON line."""
    spec = find_spec("moonshine_voice")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "assets" / "tiny-en"
    engine = load_engine(InstalledModel("moonshine", "tiny-en", folder, "en-US"), 1)
    recognizer = engine.create_recognizer()
    spoken = english_files()
    pcm = b"".join(read_samples(path) for path, _ in spoken[:6])
    rows = []
    for seconds in SECONDS:
        end, more = seconds * SAMPLE_RATE * 2, int((seconds + MORE_SECONDS) * SAMPLE_RATE) * 2
        results = [measure(recognizer, pcm[:end], pcm[end:more]) for _ in range(rounds)]
        first, again = (statistics.median(column) for column in zip(*results, strict=True))
        rows.append({"seconds": seconds, "first_ms": round(first, 1), "with_more_ms": round(again, 1)})
        print(rows[-1], flush=True)
    errors, begun, length = {}, time.thread_time(), 0.0
    for name, files in (("speech", spoken), ("prompts", prompt_files())):
        texts = []
        for path, _ in files:
            samples = read_samples(path)
            length += len(samples) / 2 / SAMPLE_RATE
            recognizer.accept(samples)
            texts.append(recognizer.finish().text)
        errors[name] = round(100 * word_error_rate([text for _, text in files], texts), 2)
    whole = {"ms_per_second": round((time.thread_time() - begun) * 1000 / length, 2), "seconds": round(length)}
    print(json.dumps({"utterances": rows, "whole_files": whole, "wer_percent": errors}))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    run(parser.parse_args().rounds)


if __name__ == "__main__":
    main()
