import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.asterisk.config import AsteriskConfig
from app.asterisk.instance import open_instance, read_log_end
from app.asterisk.user import AsteriskUser
from app.errors import Unavailable


@pytest.fixture
def config(tmp_path: Path) -> AsteriskConfig:
    library_dir = tmp_path / "root/usr/lib/x86_64-linux-gnu"
    (library_dir / "asterisk/modules").mkdir(parents=True)
    (library_dir / "ld-linux-x86-64.so.2").touch(mode=0o755)
    return AsteriskConfig(tmp_path / "home", tmp_path / "root", "127.0.0.1", 5060, (20000, 20099), "callscribe")


def ourselves() -> AsteriskUser:
    return AsteriskUser("me", os.geteuid(), os.getegid(), is_switch=False)


def test_folders_are_private_and_run_files_go(config: AsteriskConfig) -> None:
    with open_instance(config, ourselves()) as opened:
        assert opened == config
        assert (config.instance_dir / "lib").stat().st_mode & 0o077 == 0
        (opened.run_path / "asterisk.ctl").touch()
    assert not list(config.run_path.iterdir())


def test_second_user_of_the_folder_is_refused(config: AsteriskConfig) -> None:
    with (
        open_instance(config, ourselves()),
        pytest.raises(Unavailable, match="CALLSCRIBE_HOME"),
        open_instance(config, ourselves()),
    ):
        pass
    with open_instance(config, ourselves()):
        pass


def test_long_home_gets_a_short_run_folder_that_goes_again(config: AsteriskConfig) -> None:
    deep = AsteriskConfig(
        config.instance_dir / ("d" * 100), config.root, "127.0.0.1", 5060, (20000, 20099), "callscribe"
    )
    with open_instance(deep, ourselves()) as opened:
        assert len(str(opened.run_path)) < 60
        assert opened.run_path.stat().st_mode & 0o077 == 0
    assert not opened.run_path.exists()


def test_fetched_prompts_go_and_registrations_stay(config: AsteriskConfig) -> None:
    with open_instance(config, ourselves()):
        (config.instance_dir / "cache/bucket-1.wav").touch()
        with closing(sqlite3.connect(config.instance_dir / "lib/astdb.sqlite3")) as connection, connection:
            connection.execute("CREATE TABLE astdb(key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))")
            for key in ("/MediaCache/http://a/b.wav", f"/{'a1' * 20}/ext", "/registrar/contact/a"):
                connection.execute("INSERT INTO astdb VALUES (?, 'value')", (key,))
    with open_instance(config, ourselves()):
        assert not list((config.instance_dir / "cache").iterdir())
        with closing(sqlite3.connect(config.instance_dir / "lib/astdb.sqlite3")) as connection:
            assert connection.execute("SELECT key FROM astdb").fetchall() == [("/registrar/contact/a",)]


def test_note_of_a_process_that_is_not_ours_kills_nobody(config: AsteriskConfig) -> None:
    config.instance_dir.mkdir()
    (config.instance_dir / "asterisk.pid").write_text(f"{os.getpid()}\n{config.instance_dir}/run\n")
    with open_instance(config, ourselves()):
        assert not (config.instance_dir / "asterisk.pid").exists()


def test_log_end_shows_errors_first(config: AsteriskConfig) -> None:
    with open_instance(config, ourselves()):
        (config.instance_dir / "log/asterisk.log").write_text("a line\nERROR[1] the cause\nanother\n")
        assert read_log_end(config) == ("ERROR[1] the cause",)
