"""WAV files that grow: 8 kHz, 16 bit, right after every write, and made right again when a process died meanwhile."""

import os
import struct
from pathlib import Path

from app.domain.audio import SAMPLE_RATE

HEADER_BYTES = 44
_SAMPLE_BYTES = 2
_MOST_DATA_BYTES = 0xFFFFFFFF - HEADER_BYTES  # sizes have 32 bits: 74 hours of one side, 37 of two
_SILENCE = bytes(1 << 16)


def wav_header(data_bytes: int, channels: int = 1) -> bytes:
    """Return the 44 bytes before `data_bytes` of samples (RIFF WAVE, PCM). Beyond 4 GiB the size stays at the most."""
    size = min(data_bytes, _MOST_DATA_BYTES)
    align = channels * _SAMPLE_BYTES
    form = struct.pack("<HHIIHH", 1, channels, SAMPLE_RATE, SAMPLE_RATE * align, align, 8 * _SAMPLE_BYTES)
    return b"".join(
        (
            b"RIFF",
            struct.pack("<I", size + HEADER_BYTES - 8),
            b"WAVEfmt ",
            struct.pack("<I", len(form)),
            form,
            b"data",
            struct.pack("<I", size),
        )
    )


class WavWriter:
    """One file under construction, made by `create_wav`. Every method blocks and may raise OSError (a full disk)."""

    def __init__(self, file: int, path: Path, channels: int) -> None:
        self.path = path
        self.samples = 0
        """How long the file is: samples of one channel."""
        self._file = file
        self._align = channels * _SAMPLE_BYTES
        self._channels = channels

    def write(self, pcm: bytes) -> None:
        """Append whole samples and bring the header up to date."""
        if pcm:
            self._append(pcm)
            self._write_header()

    def write_silence(self, samples: int) -> None:
        """Append silence of this length; any length takes the same memory."""
        rest = samples * self._align
        while rest > 0:
            piece = _SILENCE if rest >= len(_SILENCE) else _SILENCE[:rest]
            self._append(piece)
            rest -= len(piece)
        self._write_header()

    def cut(self, samples: int) -> None:
        """Leave out what comes after the first `samples`."""
        if samples < self.samples:
            self.samples = samples
            os.ftruncate(self._file, HEADER_BYTES + samples * self._align)
            self._write_header()

    def close(self) -> None:
        """Close the file; it is complete already."""
        os.close(self._file)

    def _append(self, pcm: bytes) -> None:
        view = memoryview(pcm)
        at = HEADER_BYTES + self.samples * self._align
        while view:
            count = os.pwrite(self._file, view, at)
            at += count
            view = view[count:]
        self.samples += len(pcm) // self._align

    def _write_header(self) -> None:
        os.pwrite(self._file, wav_header(self.samples * self._align, self._channels), 0)


def create_wav(path: Path, channels: int = 1) -> WavWriter:
    """Make an empty file (one that is there is replaced); OSError when it cannot be made."""
    file = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_CLOEXEC, 0o640)
    try:
        os.pwrite(file, wav_header(0, channels), 0)
    except BaseException:
        os.close(file)
        raise
    return WavWriter(file, path, channels)


def repair_wav(path: Path) -> bool:
    """Make the sizes in the header those of the file; True when they were not. A file that is not ours is left alone.

    For files that a process left which died between two writes. OSError when it cannot be written.
    """
    with path.open("r+b") as file:
        head = file.read(HEADER_BYTES)
        size = file.seek(0, os.SEEK_END)
        if size < HEADER_BYTES:
            if not wav_header(0).startswith(head[:4]):
                return False
            file.truncate(0)
            file.seek(0)
            file.write(wav_header(0))
            return True
        channels = struct.unpack_from("<H", head, 22)[0]
        if channels not in {1, 2} or head[:4] != b"RIFF" or head[8:40] != wav_header(0, channels)[8:40]:
            return False
        data_bytes = (size - HEADER_BYTES) // (channels * _SAMPLE_BYTES) * (channels * _SAMPLE_BYTES)
        wanted = wav_header(data_bytes, channels)
        if head == wanted and size == HEADER_BYTES + data_bytes:
            return False
        file.truncate(HEADER_BYTES + data_bytes)
        file.seek(0)
        file.write(wanted)
        return True
