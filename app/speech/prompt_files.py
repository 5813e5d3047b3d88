"""Prompts on disk: `KEY.wav`, written whole or not at all, checked when found, the least recently used removed."""

from __future__ import annotations

import os
import re
import tempfile
import threading
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.domain.audio import SAMPLE_RATE, pcm_seconds
from app.logs import get_log
from app.speech.synthesizer import SpeechSynthesisFailed

log = get_log("prompts")

_KEY = re.compile(r"[0-9a-f]{64}")
_HEADER_BYTES = 44
_UNFINISHED = ".part"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that is ready to play: its key (64 hex digits), its WAV (8 kHz, 16-bit, mono), how long it lasts."""

    key: str
    path: Path
    seconds: float


class PromptFiles:
    """The folder of prompts, at most `limit_bytes` in all. Methods block (disk) and may be called from any thread.

    A file's modification time is when it was last used, so the order of use outlives a restart.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._total_bytes = 0
        self._pinned: set[str] = set()

    def open(self) -> None:
        """Make the folder, remove what a crash left half written, count the rest."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for unfinished in self._folder.glob(f"*{_UNFINISHED}"):
            unfinished.unlink(missing_ok=True)
        with self._lock:
            self._total_bytes = sum(size for _, size, _ in self._by_age())
            self._trim(keep=None)

    def path_of(self, key: str) -> Path | None:
        """Return the file of `key`, or None when that is not 64 lower-case hex digits or no such prompt exists."""
        if not _KEY.fullmatch(key):
            return None
        path = self._folder / f"{key}.wav"
        return path if path.is_file() else None

    def find(self, key: str) -> Prompt | None:
        """Return the prompt and count it as used now; a damaged file counts as missing, so it is made anew."""
        path = self.path_of(key)
        if path is None:
            return None
        try:
            seconds = _read_seconds(path)
            if seconds is None:
                log.warning("cached prompt is damaged and is made anew", key=key)
                return None
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("cached prompt cannot be read and is made anew", key=key, error=error.strerror)
            return None
        return Prompt(key, path, seconds)

    def pin(self, key: str) -> None:
        """Never remove the prompt `key` while the program runs: someone keeps its address."""
        self._pinned.add(f"{key}.wav")

    def save(self, key: str, pcm: bytes) -> Prompt:
        """Write `pcm` (8 kHz, 16-bit, mono) as the prompt `key`: beside it first, then renamed, readable by all."""
        path = self._folder / f"{key}.wav"
        try:
            descriptor, name = tempfile.mkstemp(suffix=_UNFINISHED, dir=self._folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    os.fchmod(file.fileno(), 0o644)
                    _write_wav(file, pcm)
                with self._lock:
                    replaced = path.stat().st_size if path.exists() else 0
                    Path(name).replace(path)
                    self._total_bytes += _HEADER_BYTES + len(pcm) - replaced
                    self._trim(keep=path)
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise SpeechSynthesisFailed(
                f"the prompt could not be written to {self._folder}: {error.strerror}; expected a writable folder"
            ) from error
        return Prompt(key, path, pcm_seconds(pcm))

    def _trim(self, keep: Path | None) -> None:
        """Remove the least recently used until the limit holds; `keep` stays, it is about to be played."""
        if self._total_bytes <= self._limit_bytes:
            return
        prompts = sorted(self._by_age())
        self._total_bytes = sum(size for _, size, _ in prompts)
        for _, size, path in prompts:
            if self._total_bytes <= self._limit_bytes:
                return
            if path != keep and path.name not in self._pinned:
                path.unlink(missing_ok=True)
                self._total_bytes -= size

    def _by_age(self) -> list[tuple[int, int, Path]]:
        """Return (last use in ns, bytes, path) of every prompt."""
        found = []
        for path in self._folder.glob("*.wav"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            found.append((status.st_mtime_ns, status.st_size, path))
        return found


def _write_wav(file: IO[bytes], pcm: bytes) -> None:
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(SAMPLE_RATE)
        wav.writeframes(pcm)


def _read_seconds(path: Path) -> float | None:
    """Return how long a prompt lasts; None when it is not a whole WAV of our form."""
    try:
        with wave.open(str(path), "rb") as wav:
            frames = wav.getnframes()
            form = (wav.getnchannels(), wav.getsampwidth(), wav.getframerate())
    except (wave.Error, EOFError):
        return None
    is_whole = frames > 0 and path.stat().st_size >= _HEADER_BYTES + 2 * frames
    return frames / SAMPLE_RATE if is_whole and form == (1, 2, SAMPLE_RATE) else None
