"""The program that a self-check runs in a process of its own: load one model, decode half a second of 8 kHz audio.

`python -m app.speech.self_check_child ENGINE PATH`; exits 0 when the model works, else 1 with the fault as the last
line of standard error. A native crash ends this process only.
"""

import json
import math
import os
import resource
import sys
from pathlib import Path

from app.domain.audio import SAMPLE_RATE
from app.speech.catalogue import Engine

_SECONDS = 0.5


def make_samples() -> list[float]:
    """Half a second at 8 kHz of a 300 Hz tone with its overtones, -1..1: silence would not reach all of a decoder."""
    count = int(SAMPLE_RATE * _SECONDS)
    return [sum(math.sin(2 * math.pi * 300 * k * i / SAMPLE_RATE) / (4 * k) for k in (1, 2, 3)) for i in range(count)]


def decode_with_vosk(path: str) -> None:
    """Decode with Vosk; raises whatever is wrong."""
    import vosk

    recognizer = vosk.KaldiRecognizer(vosk.Model(path), SAMPLE_RATE)
    pcm = b"".join(int(sample * 32767).to_bytes(2, "little", signed=True) for sample in make_samples())
    recognizer.AcceptWaveform(pcm)
    result = json.loads(recognizer.FinalResult())
    if "text" not in result:
        raise ValueError(f"the final result has no text: {result}")


def decode_with_moonshine(path: str) -> None:
    """Decode with Moonshine's tiny model; raises whatever is wrong."""
    import numpy as np

    from app.speech.moonshine_model import MoonshineModel

    MoonshineModel(Path(path)).decode(np.array(make_samples(), np.float32))


def main(arguments: list[str]) -> int:
    """Run the check for ENGINE PATH; the exit status says whether the model works."""
    # A crash is an answer here, its memory image of half a gigabyte is not wanted.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    engine, path = arguments
    decode = {Engine.VOSK: decode_with_vosk, Engine.MOONSHINE: decode_with_moonshine}[Engine(engine)]
    try:
        decode(path)
    except Exception as error:  # noqa: BLE001 - the whole process is an isolation boundary; the parent gets the reason
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    # Freeing half a gigabyte of model before the end takes longer than the end.
    os._exit(status)
