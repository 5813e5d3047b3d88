import stat
import zipfile
from pathlib import Path

import pytest

from app.speech.model_archive import read_archive, unpack
from app.speech.model_errors import ArchiveRefused

PARTS = {"am/final.mdl": b"m" * 3000, "conf/mfcc.conf": b"--x=1\n", "graph/HCLG.fst": b"g" * 5000}


def make_zip(path: Path, members: dict[str, bytes], *extra: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        for entry, content in extra:
            archive.writestr(entry, content)
    return path


def in_folder(name: str) -> dict[str, bytes]:
    return {f"{name}/{part}": content for part, content in PARTS.items()}


@pytest.mark.parametrize(("members", "name"), [(in_folder("vosk-model-x"), "vosk-model-x"), (PARTS, "mine")])
def test_a_model_is_unpacked_with_or_without_a_folder_around_it(
    tmp_path: Path, members: dict[str, bytes], name: str
) -> None:
    archive = read_archive(make_zip(tmp_path / "mine.zip", members))
    reports: list[tuple[int, int]] = []
    unpack(archive, tmp_path / "out", lambda done, total: reports.append((done, total)))
    assert archive.name == name
    assert {part: (tmp_path / "out" / part).read_bytes() for part in PARTS} == PARTS
    assert reports[-1] == (archive.unpacked_size, archive.unpacked_size)


def entry_of_kind(name: str, kind: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (kind | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (zipfile.ZipInfo("m/../../evil"), "climbs out"),
        (zipfile.ZipInfo("../evil"), "climbs out"),
        (zipfile.ZipInfo("/etc/evil"), "not a relative path"),
        (zipfile.ZipInfo("m\\..\\evil"), "not a relative path"),
        (zipfile.ZipInfo("C:evil"), "not a relative path"),
        (entry_of_kind("m/link", stat.S_IFLNK), "link or device"),
        (entry_of_kind("m/device", stat.S_IFCHR), "link or device"),
        (zipfile.ZipInfo("m/AM/final.mdl"), "the same file twice"),
    ],
)
def test_a_dangerous_member_refuses_the_whole_archive(tmp_path: Path, entry: zipfile.ZipInfo, fault: str) -> None:
    path = make_zip(tmp_path / "bad.zip", in_folder("m"), (entry, b"/etc/passwd"))
    with pytest.raises(ArchiveRefused, match=fault):
        read_archive(path)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "bad.zip", in_folder("m"))
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ArchiveRefused, match="is encrypted"):
        read_archive(path)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({}, "is empty"),
        ({"m/readme": b"hello"}, "is not a Vosk model: it lacks .*am/final.mdl|it lacks .*final.mdl"),
        ({"m/.hidden name/x": b""}, "lacks"),
        ({f"m/{number}": b"" for number in range(2001)}, "2001 files"),
        ({**in_folder("m"), "m/zeros": bytes(20_000_000)}, "times the zip's size"),
        ({f"-x/{part}": content for part, content in PARTS.items()}, "cannot be a model's name"),
    ],
)
def test_what_is_no_sensible_model_is_refused(tmp_path: Path, members: dict[str, bytes], fault: str) -> None:
    with pytest.raises(ArchiveRefused, match=fault):
        read_archive(make_zip(tmp_path / "bad.zip", members))


def test_a_file_that_is_no_whole_zip_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "cut.zip", in_folder("m"))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ArchiveRefused, match="not a whole zip"):
        read_archive(path)


def test_damage_inside_is_noticed_while_unpacking(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "damaged.zip", in_folder("m"))
    content = bytearray(path.read_bytes())
    content[content.index(b"final.mdl") + 12] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ArchiveRefused, match="is damaged"):
        unpack(read_archive(path), tmp_path / "out", lambda _done, _total: None)
