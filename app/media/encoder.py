"""WAV files as MP3 or Ogg: for people who want to keep or mail a recording, not for what is done with it here."""

from pathlib import Path
from typing import Final

import soundfile  # type: ignore[import-untyped]

from app.media.wav_stereo import UNFINISHED

_SUBTYPE: Final = {"mp3": ("MP3", "MPEG_LAYER_III"), "ogg": ("OGG", "VORBIS")}
_BLOCK_SECONDS: Final = 10


def encode(wav: Path, target: Path, kind: str) -> None:
    """Write the sound of `wav` to `target` as `kind` (mp3, ogg). Blocks, about a second for two minutes of stereo.

    Vorbis, because Opus took four times as long at the same size (measured at 8 kHz). OSError when it cannot be
    written; then there is no `target`.
    """
    container, subtype = _SUBTYPE[kind]
    half = target.with_name(target.name + UNFINISHED)
    try:
        with soundfile.SoundFile(wav) as source:
            rate, channels = source.samplerate, source.channels
            with soundfile.SoundFile(half, "w", rate, channels, subtype=subtype, format=container) as encoded:
                for block in source.blocks(rate * _BLOCK_SECONDS, dtype="int16"):
                    encoded.write(block)
        half.replace(target)
    except soundfile.LibsndfileError as error:
        raise OSError(f"{target.name}: {error}") from error
    finally:
        half.unlink(missing_ok=True)
