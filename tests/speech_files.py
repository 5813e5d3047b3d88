"""Human speech that tests and benchmarks stand on: which files there are, what is said in them, and their samples.

Debian's `pocketsphinx-testdata` and `asterisk-core-sounds-en-wav` are there wherever the project is set up; the shared
folder (CALLSCRIBE_SHARED, or `../shared` beside the checkout) may be absent: tests that need it say why they skip.
"""

import gzip
import json
import os
import re
import wave
from functools import cache
from pathlib import Path

import numpy as np
import soxr

from app.domain.audio import FRAME_BYTES, FRAME_SECONDS, SAMPLE_RATE, Frame

SHARED = Path(os.environ.get("CALLSCRIBE_SHARED") or Path(__file__).resolve().parents[2] / "shared")
LIBRIVOX = Path("/usr/share/pocketsphinx/test/data/librivox")
PROMPTS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
PROMPT_TEXTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
NO_KOREAN = f"the Korean speech of the shared folder is not in {SHARED / 'speech' / 'ko'}"

SpokenFile = tuple[Path, str]


def english_files() -> list[SpokenFile]:
    """All English files of the shared folder (where present) and of librivox, with their texts."""
    return [*shared_files("en"), *librivox_files()]


def korean_files() -> list[SpokenFile]:
    """The Korean files of the shared folder, with their texts; empty where the folder is absent."""
    return shared_files("ko")


def shared_files(language: str) -> list[SpokenFile]:
    """The files of the shared folder in `language` (en, ko); empty where the folder is absent."""
    folder = SHARED / "speech" / language
    if not (folder / "refs.jsonl").is_file():
        return []
    records = [json.loads(line) for line in (folder / "refs.jsonl").read_text(encoding="utf-8").splitlines() if line]
    return [(folder / str(record["wav"]), str(record["text"])) for record in records]


def librivox_files() -> list[SpokenFile]:
    """Five sentences read by a woman (16 kHz), with their texts."""
    if not LIBRIVOX.is_dir():
        return []
    lines = (LIBRIVOX / "transcription").read_text(encoding="utf-8").splitlines()
    matches = [re.fullmatch(r"<s> (.*) </s> \((.*)\)", line.strip()) for line in lines]
    return [(LIBRIVOX / f"{match[2]}.wav", match[1]) for match in matches if match]


def prompt_files(shortest: int = 40, most: int = 40) -> list[SpokenFile]:
    """Asterisk's English prompts (8 kHz) whose texts have at least `shortest` characters and no digits."""
    if not PROMPT_TEXTS.is_file():
        return []
    found = []
    for line in gzip.decompress(PROMPT_TEXTS.read_bytes()).decode("utf-8", "replace").splitlines():
        name, colon, text = line.partition(": ")
        path = PROMPTS / f"{name}.wav"
        if colon and len(text) >= shortest and re.fullmatch(r"[A-Za-z ,.'\-]+", text) and path.is_file():
            found.append((path, text))
    return found[:most]


def prompt_file(name: str) -> SpokenFile:
    """The Asterisk prompt of that name (8 kHz mono, a woman's voice) with its text."""
    for line in gzip.decompress(PROMPT_TEXTS.read_bytes()).decode("utf-8", "replace").splitlines():
        if line.startswith(f"{name}: "):
            return PROMPTS / f"{name}.wav", line.partition(": ")[2]
    raise FileNotFoundError(f"there is no prompt {name}")


@cache
def read_samples(path: Path) -> bytes:
    """The file as 8 kHz 16-bit mono PCM, resampled where it has another rate."""
    with wave.open(str(path)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)[::channels]
    if rate == SAMPLE_RATE:
        return samples.tobytes()
    resampled = soxr.resample(samples.astype(np.float32), rate, SAMPLE_RATE)
    return bytes(np.clip(resampled, -32768, 32767).astype(np.int16).tobytes())


def frames_of(pcm: bytes, started_at: float = 0.0) -> list[Frame]:
    """Cut PCM into frames that follow each other from `started_at` on; the last one is filled up with silence."""
    pcm += bytes(-len(pcm) % FRAME_BYTES)
    return [
        Frame(pcm[offset : offset + FRAME_BYTES], started_at + index * FRAME_SECONDS)
        for index, offset in enumerate(range(0, len(pcm), FRAME_BYTES))
    ]
