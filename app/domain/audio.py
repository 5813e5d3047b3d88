"""The one form of sound inside Callscribe: 8 kHz signed 16-bit little-endian mono, in frames of 20 ms."""

from dataclasses import dataclass

SAMPLE_RATE = 8000
FRAME_MS = 20
FRAME_SECONDS = FRAME_MS / 1000
FRAME_SAMPLES = SAMPLE_RATE * FRAME_MS // 1000
FRAME_BYTES = FRAME_SAMPLES * 2
SILENT_FRAME = bytes(FRAME_BYTES)


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of one direction of one leg.

    `pcm` is FRAME_BYTES long. `captured_at` is when its first sample was heard, in seconds of `time.monotonic()`:
    one clock for all directions. `is_concealed` marks a silent stand-in for a lost packet.
    """

    pcm: bytes
    captured_at: float
    is_concealed: bool = False


def pcm_seconds(pcm: bytes) -> float:
    """Return how long `pcm` (8 kHz, 16-bit, mono) lasts, in seconds."""
    return len(pcm) / (2 * SAMPLE_RATE)
