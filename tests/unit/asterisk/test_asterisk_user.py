import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.asterisk.errors import AsteriskCannotEnter
from app.asterisk.user import AsteriskUser, check_can_enter, choose_user

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change to another user")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can enter: pytest's own are closed, and shared with other runs."""
    with tempfile.TemporaryDirectory(prefix="callscribe-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def nobody() -> AsteriskUser:
    entry = pwd.getpwnam("nobody")
    return AsteriskUser("nobody", entry.pw_uid, entry.pw_gid, is_switch=True)


def test_root_never_runs_asterisk_as_root() -> None:
    user = choose_user()
    assert user.is_switch == (os.geteuid() == 0)
    assert user.uid != 0


@needs_root
def test_switch_leaves_no_group(open_folder: Path) -> None:
    assert "--clear-groups" in nobody().switch_options
    assert "--no-new-privs" in nobody().switch_options


@needs_root
def test_open_way_can_be_entered(open_folder: Path) -> None:
    (open_folder / "a b/c").mkdir(parents=True)
    check_can_enter(nobody(), [open_folder / "a b/c"])


@needs_root
def test_first_closed_folder_is_named(open_folder: Path) -> None:
    closed = open_folder / "closed one"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(AsteriskCannotEnter) as caught:
        check_can_enter(nobody(), [open_folder, closed / "inner"])
    assert caught.value.folder == closed
    for part in ("nobody", str(closed), "drwx------", "owner root", "chmod o+x", "CALLSCRIBE_HOME"):
        assert part in caught.value.message


@needs_root
def test_way_through_a_link_is_checked(open_folder: Path) -> None:
    (open_folder / "closed/inner").mkdir(parents=True)
    (open_folder / "link").symlink_to(open_folder / "closed/inner")
    (open_folder / "closed").chmod(0o750)
    with pytest.raises(AsteriskCannotEnter) as caught:
        check_can_enter(nobody(), [open_folder / "link"])
    assert caught.value.folder == open_folder / "closed"


def test_missing_folder_is_named(open_folder: Path) -> None:
    with pytest.raises(AsteriskCannotEnter, match="not there"):
        check_can_enter(choose_user(), [open_folder / "not there"])
