import threading
from pathlib import Path

import pytest

import app.asterisk.install as install
from app.asterisk.errors import AsteriskNotInstalled
from app.asterisk.install import find_asterisk, install_asterisk, parse_version

RECIPE = """#!/bin/sh
echo call >> "$(dirname "$0")/calls"
echo "I: downloading packages with apt..."
mkdir -p "$1/usr/sbin" "$1/var/lib/dpkg"
echo program > "$1/usr/sbin/asterisk"
printf 'Package: zlib1g\\nVersion: 9\\n\\n' > "$1/var/lib/dpkg/status"
printf 'Package: asterisk\\nStatus: ok\\nVersion: 1:VERSION+dfsg-1\\n' >> "$1/var/lib/dpkg/status"
echo "callscribe: Asterisk is unpacked"
"""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe that unpacks nothing but looks like it."""
    path = tmp_path / "recipe/install.sh"
    path.parent.mkdir()
    path.write_text(RECIPE.replace("VERSION+", "22.10.1+"))
    monkeypatch.setattr(install, "RECIPE", path)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    return path


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("22.10.1", (22, 10, 1)),
        ("1:22.10.1+dfsg+~cs6.17.60671434-1", (22, 10, 1)),
        ("22.10.0-rc1", (22, 10, 0)),
        ("22.9", (22, 9)),
        ("GIT-22.11.0-abc", (22, 11, 0)),
    ],
)
def test_version_is_read(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_version(text) == numbers


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one such as"):
        parse_version("certified")


def test_first_run_installs_and_second_does_nothing(recipe: Path, tmp_path: Path) -> None:
    said: list[str] = []
    found = install_asterisk(tmp_path / "install", said.append)
    assert (found.root, found.version) == (tmp_path / "install/asterisk", "22.10.1")
    assert said == ["downloading packages with apt...", "Asterisk is unpacked"]
    assert install_asterisk(tmp_path / "install", said.append) == found
    assert (recipe.parent / "calls").read_text() == "call\n"


def test_broken_earlier_try_is_cleaned(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "install/asterisk.unpacking/half").mkdir(parents=True)
    (tmp_path / "install/asterisk/usr").mkdir(parents=True)
    found = install_asterisk(tmp_path / "install", lambda _: None)
    assert sorted(path.name for path in (tmp_path / "install").iterdir()) == [".asterisk.lock", "asterisk"]
    assert not (found.root / "half").exists()


def test_too_old_asterisk_is_replaced(recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(recipe.read_text().replace("22.10.1+", "22.10.0+"))
    with pytest.raises(AsteriskNotInstalled, match="no Asterisk that can be used"):
        install_asterisk(tmp_path / "install", lambda _: None)
    assert find_asterisk(tmp_path / "install") is None
    recipe.write_text(recipe.read_text().replace("22.10.0+", "23.1.0+"))
    assert install_asterisk(tmp_path / "install", lambda _: None).version == "23.1.0"


def test_failure_shows_the_end_of_the_output_and_leaves_nothing(recipe: Path, tmp_path: Path) -> None:
    recipe.write_text('mkdir -p "$1/x"\necho "E: Unable to fetch it" >&2\nexit 25\n')
    with pytest.raises(AsteriskNotInstalled, match=r"exit code 25\)(.|\n)*Unable to fetch it"):
        install_asterisk(tmp_path / "install", lambda _: None)
    assert [path.name for path in (tmp_path / "install").iterdir()] == [".asterisk.lock"]


def test_missing_mmdebstrap_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(AsteriskNotInstalled, match="apt-get install mmdebstrap"):
        install_asterisk(tmp_path / "install", lambda _: None)


def test_two_at_once_install_once(recipe: Path, tmp_path: Path) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(install_asterisk(tmp_path / "install", lambda _: None).version))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["22.10.1"] * 4
    assert (recipe.parent / "calls").read_text() == "call\n"
