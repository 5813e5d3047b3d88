"""Two-sided conversations out of human speech: what both sides say and when, as sound and as reference transcript.

The sides take turns: whoever has said less is next. After each file both are silent for some time, so that each side
talks about 40 % of the time. Times count from the side's own first sample: SIPp plays the caller's side from its ACK on
and the callee's from the ACK that it gets, some 100 ms later; `LEAD_SECONDS` of silence come first, so that the parties
are connected when the first word comes, and the gaps are longer than that difference, so that nobody is interrupted.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.domain.audio import SAMPLE_RATE, pcm_seconds
from app.media.g711 import decode_ulaw
from benchmarks.load.pcap import encode_ulaw, write_pcap
from tests.asterisk.calls.conversation import voiced_span
from tests.speech_files import SpokenFile, librivox_files, read_samples, shared_files

LEAD_SECONDS: Final = 1.5
TAIL_SECONDS: Final = 1.5
"""After the last word: its final is due before the call ends, as all others are."""
GAP_SHARE: Final = 0.12
LEAST_GAP_SECONDS: Final = 0.7


@dataclass(frozen=True, slots=True)
class Said:
    """One file in a side: words from `start` to `end`, seconds after the side's first sample."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Side:
    """What one party says; `pcm` is 8 kHz 16-bit mono, the whole length of the conversation."""

    pcm: bytes
    said: tuple[Said, ...]

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(said.text for said in self.said)


@dataclass(frozen=True, slots=True)
class Script:
    """A conversation: `caller` is what the transcribe calls `in`, `callee` what it calls `out`."""

    caller: Side
    callee: Side

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return pcm_seconds(self.caller.pcm)

    def side(self, direction: str) -> Side:
        """The side that a transcribe of the caller's leg hears in `direction`."""
        return self.caller if direction == "in" else self.callee


def speech_of(language: str) -> tuple[list[SpokenFile], list[SpokenFile]]:
    """Human speech for both sides: of the shared folder (its first half is a woman, its second a man), or librivox."""
    primary = language.partition("-")[0]
    files = shared_files(primary)
    if not files and primary == "en":
        files = librivox_files()
    if len(files) < 2:
        raise FileNotFoundError(f"there is no human speech in {language} here: see tests/speech_files.py")
    half = len(files) // 2
    return files[:half], files[half:]


def make_script(
    callers: list[SpokenFile], callees: list[SpokenFile], number: int, seconds: float, *, is_first_callee: bool = False
) -> Script:
    """Conversation `number` (each begins with other files), `seconds` long; files that do not fit are left out."""
    pcm: list[bytes] = [_quiet(LEAD_SECONDS)] * 2
    said: list[list[Said]] = [[], []]
    speakers = [_rotated(callers, 3 * number), _rotated(callees, 3 * number)]
    spoken_seconds = [0.0, 0.0]
    turn, misses = int(is_first_callee), 0
    while misses < 2:
        room = seconds - TAIL_SECONDS - pcm_seconds(pcm[0])
        found = next((n for n, spoken in enumerate(speakers[turn]) if _length(spoken) <= room), None)
        if found is None:
            misses += 1
            turn = 1 - turn
            continue
        path, text = speakers[turn].pop(found)
        speakers[turn].append((path, text))
        samples = read_samples(path)
        _, start, end = voiced_span(samples)
        at = pcm_seconds(pcm[turn])
        said[turn].append(Said(text, at + start, at + end))
        gap = _quiet(max(LEAST_GAP_SECONDS, GAP_SHARE * pcm_seconds(samples)))
        for side in (0, 1):
            pcm[side] += (samples if side == turn else bytes(len(samples))) + gap
        spoken_seconds[turn] += end - start
        turn = 0 if spoken_seconds[0] < spoken_seconds[1] else 1
    length = int(seconds * SAMPLE_RATE) * 2
    whole = [(side + bytes(length))[:length] for side in pcm]
    return Script(Side(_as_heard(whole[0]), tuple(said[0])), Side(_as_heard(whole[1]), tuple(said[1])))


def make_scripts(language: str, count: int, seconds: float) -> list[Script]:
    """`count` different conversations; in every second one the callee begins."""
    callers, callees = speech_of(language)
    return [make_script(callers, callees, n, seconds, is_first_callee=n % 2 == 1) for n in range(count)]


def write_script(script: Script, folder: Path, number: int) -> None:
    """Write the sides as `caller{number}.pcap` and `callee{number}.pcap`."""
    write_pcap(folder / f"caller{number}.pcap", script.caller.pcm, ssrc=2 * number + 1)
    write_pcap(folder / f"callee{number}.pcap", script.callee.pcm, ssrc=2 * number + 2)


def _as_heard(pcm: bytes) -> bytes:
    """The sound after G.711, which is what is recognised."""
    return decode_ulaw(encode_ulaw(pcm))


def _rotated(files: list[SpokenFile], first: int) -> list[SpokenFile]:
    first %= len(files)
    return files[first:] + files[:first]


def _length(spoken: SpokenFile) -> float:
    return pcm_seconds(read_samples(spoken[0]))


def _quiet(seconds: float) -> bytes:
    return bytes(int(seconds * SAMPLE_RATE) * 2)
