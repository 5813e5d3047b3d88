"""The naive peer: vosk-server's way, on the same sound and machine.

For each direction of each call one KaldiRecognizer, fed with all sound, silence too, in chunks as they come, partial
results asked for each, on a pool of as many threads as there are processors. It keeps up with so many two-sided calls
when 95 % of its chunks are answered within a second, the same bound as for our finals. Chunks are 200 ms long, the
cheapest for Vosk, and neither Asterisk nor SIPp run meanwhile: both flatter the peer.
"""

import os
import sys
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Final

import vosk

from app.domain.audio import SAMPLE_RATE
from app.errors import CallscribeError
from app.settings import read_settings
from app.speech.installed_model import InstalledModel
from app.speech.model_library import ModelLibrary
from app.speech.recognizer_choice import parse_recognizer_choice
from benchmarks.load.hearing import percentile
from benchmarks.load.limit import Trial, best, next_calls
from benchmarks.load.script import Script, make_scripts

CHUNK_SECONDS: Final = 0.2
CHUNK_BYTES: Final = int(CHUNK_SECONDS * SAMPLE_RATE) * 2
MOST_P95_SECONDS: Final = 1.0
HOPELESS_SECONDS: Final = 4.0
"""Later than this it will not catch up: a round ends. An utterance's end alone takes half a second of CPU."""
WARM_CHUNKS: Final = 10
PROMISE_CHUNKS: Final = 40
MOST_NAIVE_CALLS: Final = 400
CORES: Final = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Round:
    """`calls` for some seconds: how late chunks were answered, CPU per second of a call, the processors' share."""

    calls: int
    keeps_up: bool
    p95_seconds: float
    longest_seconds: float
    cpu_ms_per_call_second: float
    busy: float


class _Stream:
    """One direction of one call: its chunks in order, one at a time."""

    def __init__(self, model: Any, pcm: bytes) -> None:
        self._recognizer = vosk.KaldiRecognizer(model, SAMPLE_RATE)
        self._recognizer.SetWords(True)
        self._pcm = pcm
        self.future: Future[None] | None = None
        self.due: deque[tuple[float, bytes]] = deque()
        self.delays: list[float] = []

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

    def answer(self, due: float, pcm: bytes) -> None:
        """Decode a chunk that was there at `due` (time.monotonic()), and note how late that was done."""
        self.decode(pcm)
        self.delays.append(time.monotonic() - due)

    def decode_from(self, first: int, count: int) -> None:
        """Decode so many chunks without a rest."""
        for number in range(first, first + count):
            self.decode(self.chunk(number))


class NaivePeer:
    """Recognizers of a model for ever more calls; they stay warm from round to round."""

    def __init__(self, model: Any, scripts: list[Script]) -> None:
        self._model = model
        self._scripts = scripts
        self._streams: list[_Stream] = []

    def promise(self) -> float:
        """How many two-sided calls the processors carry at most: how fast they decode as many as there are of them."""
        with ThreadPoolExecutor(CORES) as pool:
            streams = self._warm(CORES, pool)
            begun = time.monotonic()
            list(pool.map(lambda stream: stream.decode_from(WARM_CHUNKS, PROMISE_CHUNKS), streams))
            return CORES * PROMISE_CHUNKS * CHUNK_SECONDS / (time.monotonic() - begun)

    def keep_up(self, calls: int, seconds: float) -> Round:
        """Feed `calls` conversations in real time for `seconds`; it ends early when it does not keep up."""
        oldest = passed = 0.0
        with ThreadPoolExecutor(CORES) as pool:
            streams = self._warm(calls, pool)
            used, begun, number = time.process_time(), time.monotonic(), 0
            while oldest <= HOPELESS_SECONDS and (passed := time.monotonic() - begun) < seconds:
                while (number + 1) * CHUNK_SECONDS <= passed:
                    for n, stream in enumerate(streams):
                        stream.due.append((begun + (number + 1) * CHUNK_SECONDS, stream.chunk(number + 37 * n)))
                    number += 1
                for stream in streams:
                    if stream.due:
                        oldest = max(oldest, begun + passed - stream.due[0][0])
                        if stream.future is None or stream.future.done():
                            stream.future = pool.submit(stream.answer, *stream.due.popleft())
                time.sleep(0.005)
            used = time.process_time() - used
        waits = [wait for stream in streams for wait in stream.delays]
        # What was not answered by the end has waited until then at least.
        waits += [begun + passed - due for stream in streams for due, _ in stream.due]
        for stream in streams:
            stream.due.clear()
            stream.delays.clear()
        p95 = percentile(waits, 95) or 0.0
        cost, busy = 1000 * used / (passed * calls), used / passed / CORES
        is_held = p95 <= MOST_P95_SECONDS and oldest <= HOPELESS_SECONDS
        return Round(calls, is_held, round(p95, 2), round(max(waits), 2), round(cost, 1), round(busy, 3))

    def _warm(self, calls: int, pool: ThreadPoolExecutor) -> list[_Stream]:
        """Streams for so many calls. A fresh recognizer's first decode takes most of a second: it is not counted."""
        known = len(self._streams)
        for n in range(known // 2, calls):
            script = self._scripts[n % len(self._scripts)]
            self._streams += [_Stream(self._model, side.pcm) for side in (script.caller, script.callee)]
        list(pool.map(lambda stream: stream.decode_from(0, WARM_CHUNKS), self._streams[known:]))
        return self._streams[: 2 * calls]


def measure_naive(language: str, seconds: float, most_rounds: int) -> dict[str, Any]:
    """The most two-sided calls that keep up, searched from what the processors promise."""
    library = ModelLibrary(read_settings().install_dir, parse_recognizer_choice("vosk"))
    installed = _vosk_model(library, language)
    vosk.SetLogLevel(-1)
    peer = NaivePeer(vosk.Model(str(installed.path)), make_scripts(language, 4, 60.0))
    promised = peer.promise()
    # As many calls as processors were decoded faster than they speak: they hold.
    trials = [Trial(CORES if promised > CORES else 1, True, min(1.0, CORES / promised))]
    rounds: list[Round] = []
    calls = next_calls(trials, most_calls=MOST_NAIVE_CALLS, most_trials=most_rounds + 1)
    while calls is not None:
        rounds.append(peer.keep_up(calls, seconds))
        print(f"naive Vosk: {rounds[-1]}", file=sys.stderr, flush=True)
        trials.append(Trial(calls, rounds[-1].keeps_up, rounds[-1].busy))
        calls = next_calls(trials, most_calls=MOST_NAIVE_CALLS, most_trials=most_rounds + 1)
    found = {"two_sided_calls": best(trials), "language": language, "model": installed.name}
    cost = mean_cost(rounds)
    # So that it is of one piece: what is cheap in one round is dear in another, by where utterances end.
    figures = {"cpu_ms_per_call_second": round(cost, 1), "busy": round(min(1.0, best(trials) * cost / 1000 / CORES), 3)}
    return found | figures | {"promised": round(promised, 1), "rounds": [asdict(each) for each in rounds]}


def mean_cost(rounds: Sequence[Round]) -> float:
    """Milliseconds of CPU per second of a call over all rounds; 0 for none."""
    calls = sum(each.calls for each in rounds)
    return sum(each.cpu_ms_per_call_second * each.calls for each in rounds) / calls if calls else 0.0


def _vosk_model(library: ModelLibrary, language: str) -> InstalledModel:
    """Vosk's model of the language, or the Korean one as a stand-in."""
    try:
        return library.resolve(language)
    except CallscribeError:
        return library.resolve("ko-KR")
