"""Two files of one side each become one of both: left and right, piece by piece, however long they are."""

from pathlib import Path

import numpy as np

from app.media.wav_writer import HEADER_BYTES, create_wav

UNFINISHED = ".part"
_BLOCK_BYTES = 1 << 17


def write_stereo(left: Path, right: Path, target: Path) -> None:
    """Write `target` from two mono files that WavWriter made; the shorter one ends in silence. Blocks; OSError.

    The file appears under its name only when it is complete.
    """
    unfinished = target.with_name(target.name + UNFINISHED)
    writer = create_wav(unfinished, channels=2)
    try:
        with left.open("rb") as one, right.open("rb") as other:
            one.seek(HEADER_BYTES)
            other.seek(HEADER_BYTES)
            while True:
                sides = (_whole(one.read(_BLOCK_BYTES)), _whole(other.read(_BLOCK_BYTES)))
                length = max(len(side) for side in sides)
                if not length:
                    break
                both = np.zeros((length // 2, 2), "<i2")
                for channel, side in enumerate(sides):
                    both[: len(side) // 2, channel] = np.frombuffer(side, "<i2")
                writer.write(both.tobytes())
    except BaseException:
        writer.close()
        unfinished.unlink(missing_ok=True)
        raise
    writer.close()
    unfinished.replace(target)


def _whole(pcm: bytes) -> bytes:
    return pcm[: len(pcm) // 2 * 2]
