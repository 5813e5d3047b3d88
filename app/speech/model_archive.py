"""The zip of a Vosk model: looked at and judged before a byte of it is written, then unpacked into a new folder."""

import re
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath

from app.speech.disk import make_folder, write_all
from app.speech.model_errors import ArchiveRefused, cannot_write
from app.speech.vosk_folder import find_missing

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CHUNK = 1 << 20
# The vendor's largest model unpacks to about 5 GB; speech models shrink to a third or a half, never to a fiftieth.
_MOST_BYTES = 20 * 1000**3
_MOST_FILES = 2000
_MOST_RATIO = 50
_RATIO_COUNTS_FROM = 10_000_000


@dataclass(frozen=True, slots=True)
class ModelArchive:
    """A zip that may be unpacked. `members`: (entry in the zip, path below the model's folder), files only."""

    path: Path
    name: str
    unpacked_size: int
    members: tuple[tuple[zipfile.ZipInfo, PurePosixPath], ...]


def read_archive(path: Path, *, title: str = "") -> ModelArchive:
    """Look at a zip without unpacking; `title` stands for the file's name in messages and for a nameless model.

    ArchiveRefused when it is no whole zip, has a member that is absolute, climbs out (`..`), is a link or a device,
    is encrypted or there twice, would unpack to unreasonably much, or holds no Vosk model.
    """
    title = title or path.name
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, ValueError) as error:
        raise ArchiveRefused(f"{title} is not a whole zip file ({error}); expected a Vosk model as a zip") from None
    except OSError as error:
        raise ArchiveRefused(f"cannot read {path}: {error.strerror}; expected a Vosk model as a zip") from None
    _refuse_bomb(title, path, entries)
    files = [(entry, _place(title, entry)) for entry in entries if not entry.is_dir()]
    places = [place for _, place in files]
    if len({str(place).casefold() for place in places}) != len(places):
        raise ArchiveRefused(f"{title} holds the same file twice; expected a Vosk model as its maker packed it")
    # The vendor's zips have everything in one folder, named like the model; a zip of the folder's contents is fine too.
    tops = {place.parts[0] for place in places}
    has_top = len(tops) == 1 and all(len(place.parts) > 1 for place in places)
    name = tops.pop() if has_top else Path(title).stem
    if not _NAME.fullmatch(name):
        raise ArchiveRefused(f"{title}: {name!r} cannot be a model's name; expected letters, digits, '.', '_' and '-'")
    if has_top:
        files = [(entry, place.relative_to(name)) for entry, place in files]
    missing = find_missing({str(place) for _, place in files})
    if missing:
        raise ArchiveRefused(f"{title} is not a Vosk model: it lacks {missing}")
    return ModelArchive(path, name, sum(entry.file_size for entry, _ in files), tuple(files))


def unpack(archive: ModelArchive, folder: Path, progress: Callable[[int, int], None]) -> None:
    """Unpack into `folder`, which must not exist yet; `progress` gets (bytes written, bytes in all).

    ArchiveRefused for damage (every member's CRC-32 is checked), DiskFull; what was written is left to the caller.
    """
    written = 0
    make_folder(folder)
    try:
        with zipfile.ZipFile(archive.path) as source:
            for entry, place in archive.members:
                target = folder.joinpath(*place.parts)
                make_folder(target.parent)
                # zipfile never yields more than the entry's declared size, which counted in the sum that was judged.
                with source.open(entry) as stream, _create(target) as output:
                    while chunk := stream.read(_CHUNK):
                        write_all(output, chunk, target)
                        written += len(chunk)
                        progress(written, archive.unpacked_size)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ArchiveRefused(f"{archive.path.name} is damaged: {error}; fetch it again") from None


def _create(target: Path) -> FileIO:
    try:
        return target.open("xb", buffering=0)
    except OSError as error:
        raise cannot_write(target, error) from None


def _place(title: str, entry: zipfile.ZipInfo) -> PurePosixPath:
    name = entry.filename
    place = PurePosixPath(name)
    if place.is_absolute() or "\\" in name or "\0" in name or re.match(r"[A-Za-z]:", name) or not place.parts:
        raise ArchiveRefused(f"{title} is refused: its member {name!r} is not a relative path")
    if ".." in place.parts:
        raise ArchiveRefused(f"{title} is refused: its member {name!r} climbs out of the model's folder")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        raise ArchiveRefused(f"{title} is refused: its member {name!r} is a link or device, expected a plain file")
    if entry.flag_bits & 0x1:
        raise ArchiveRefused(f"{title} is refused: its member {name!r} is encrypted")
    return place


def _refuse_bomb(title: str, path: Path, entries: list[zipfile.ZipInfo]) -> None:
    size = sum(entry.file_size for entry in entries)
    packed = path.stat().st_size
    is_out_of_proportion = size > _RATIO_COUNTS_FROM and size > packed * _MOST_RATIO
    if size > _MOST_BYTES or len(entries) > _MOST_FILES or is_out_of_proportion:
        raise ArchiveRefused(
            f"{title} is refused: {len(entries)} files of {size / 1e6:.0f} MB in a zip of {packed / 1e6:.1f} MB; "
            f"expected at most {_MOST_FILES} files, {_MOST_BYTES / 1e9:.0f} GB and {_MOST_RATIO} times the zip's size"
        )
    if not entries:
        raise ArchiveRefused(f"{title} is empty; expected a Vosk model as a zip")
