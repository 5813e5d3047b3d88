"""CPU of what stands before recognition, on one thread: voice activity and segmenter.

`.venv/bin/python -m benchmarks.front [--seconds 120]`: one lane's frames pushed as fast as they go, as the media thread
pushes them: digital silence (what a tap of an idle direction gives), a quiet line's noise, and speech for 40 % of the
time. Microseconds of the thread's CPU time per frame, medians of five rounds, and milliseconds per call-second (two
lanes). Runs with older trees too: `PYTHONPATH=OTHER_TREE python benchmarks/front.py`.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np

from app.domain.audio import FRAME_SECONDS, SAMPLE_RATE, Frame
from app.speech.segmenter import Segmenter, SegmenterOptions
from app.speech.voice_activity import VoiceActivity
from tests.speech_files import english_files, frames_of, read_samples

ROUNDS = 5


def make_sounds(seconds: int) -> dict[str, bytes]:
    """The three kinds of sound."""
    count = seconds * SAMPLE_RATE
    noise = (np.random.default_rng(7).standard_normal(count) * 12).astype(np.int16)
    speech = bytearray()
    for path, _ in english_files():
        spoken = read_samples(path)
        speech += spoken + bytes(len(spoken) // 2 * 3 & ~1)
    speech *= count * 2 // len(speech) + 1
    return {"silence": bytes(2 * count), "noise": noise.tobytes(), "speech": bytes(speech[: 2 * count])}


def measure(run: Callable[[Sequence[Frame]], None], frames: Sequence[Frame]) -> float:
    """Microseconds per frame."""
    begun = time.thread_time()
    run(frames)
    return (time.thread_time() - begun) / len(frames) * 1e6


def judge(frames: Sequence[Frame]) -> None:
    """Voice activity alone."""
    activity = VoiceActivity()
    for frame in frames:
        activity.judge(frame)


def cut(frames: Sequence[Frame]) -> None:
    """Voice activity and segmenter."""
    activity, segmenter = VoiceActivity(), Segmenter(SegmenterOptions())
    for frame in frames:
        segmenter.push(frame, activity.judge(frame))


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120)
    rows = []
    for name, pcm in make_sounds(parser.parse_args().seconds).items():
        frames = frames_of(pcm, 100.0)
        judging, cutting = (statistics.median(measure(run, frames) for _ in range(ROUNDS)) for run in (judge, cut))
        per_call_second = 2 * cutting / FRAME_SECONDS / 1000
        rows.append(
            {
                "sound": name,
                "voice_activity_us": round(judging, 2),
                "with_segmenter_us": round(cutting, 2),
                "ms_per_call_second": round(per_call_second, 2),
            }
        )
        print(rows[-1], flush=True)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
