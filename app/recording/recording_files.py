"""Where the files of recordings lie, and making those right that a process left which died."""

from collections.abc import Sequence
from pathlib import Path

from app.domain.recording import Recording
from app.domain.transcribe import ReferenceType
from app.logs import get_log
from app.media.wav_stereo import UNFINISHED, write_stereo
from app.media.wav_writer import repair_wav

log = get_log("recording")

IN, OUT, BOTH = "in", "out", ""
"""The parts of a recording: what the party says, what it hears, and everything (stereo, or a conference's mix)."""


def file_name(recording_id: str, part: str) -> str:
    """Return the name of a part's file."""
    return f"{recording_id}_{part}.wav" if part else f"{recording_id}.wav"


def encoded_name(recording_id: str, kind: str) -> str:
    """Return the name of the whole in another format (mp3, ogg)."""
    return f"{recording_id}.{kind}"


def file_names(recording_id: str, reference_type: ReferenceType, kind: str = "wav") -> tuple[str, ...]:
    """Return the names of all files of a recording: a call has its sides too, a conference only the mix."""
    parts = (IN, OUT, BOTH) if reference_type is ReferenceType.CALL else (BOTH,)
    names = tuple(file_name(recording_id, part) for part in parts)
    return names if kind == "wav" else (*names, encoded_name(recording_id, kind))


def find_file(folder: Path, recording: Recording, part: str) -> Path | None:
    """Return the file of `part`, None where there is none (yet)."""
    name = file_name(recording.id, part)
    path = folder / name
    return path if name in recording.filenames and path.is_file() else None


def find_served(folder: Path, recording: Recording, part: str) -> Path | None:
    """Return the file that clients get: the whole in the recording's format, its sides as WAV; None without one."""
    if part != BOTH or recording.format == "wav":
        return find_file(folder, recording, part)
    path = folder / encoded_name(recording.id, recording.format)
    return path if path.is_file() else None


def remove_files(folder: Path, recording: Recording) -> None:
    """Delete all files of a recording. Blocks; OSError where one is there but cannot be deleted."""
    for name in recording.filenames:
        (folder / name).unlink(missing_ok=True)


def list_left(folder: Path) -> tuple[Path, ...]:
    """Return the files that an earlier process left, before this one makes any; makes the folder. Blocks."""
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(sorted((*folder.glob("*.wav"), *folder.glob(f"*{UNFINISHED}"))))


def repair(paths: Sequence[Path]) -> int:
    """Make those of these files right that are unfinished; return how many recordings that were.

    Sizes in headers are set from the files' lengths, then a call's file of both sides is made where it is missing.
    Blocks; what cannot be repaired is logged and left as it is.
    """
    repaired: set[str] = set()
    for mend in (_mend_header, _mend_both):
        for path in paths:
            try:
                if mend(path):
                    repaired.add(path.stem.removesuffix("_in").removesuffix("_out"))
            except OSError as error:
                log.error("a recording could not be repaired", file=path.name, reason=str(error))
    if repaired:
        log.warning("repaired recordings that an earlier run left open", recordings=len(repaired))
    return len(repaired)


def _mend_header(path: Path) -> bool:
    if path.name.endswith(UNFINISHED):
        path.unlink(missing_ok=True)
        return False
    return path.is_file() and repair_wav(path)


def _mend_both(path: Path) -> bool:
    recording_id = path.stem.removesuffix("_in")
    if recording_id == path.stem:
        return False
    other, both = (path.with_name(file_name(recording_id, part)) for part in (OUT, BOTH))
    if both.exists() or not (path.is_file() and other.is_file()):
        return False
    write_stereo(path, other, both)
    return True
