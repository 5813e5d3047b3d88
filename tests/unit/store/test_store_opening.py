"""Opening a store: the URL is checked, the tables are made, a stranger's database is refused."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.errors import InvalidSetting, Unavailable
from app.store import Store, open_store
from app.store.opening import read_database_url
from app.store.schema import METADATA


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///x.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:////var/x.db", "sqlite+aiosqlite"),
        ("postgresql://u:p@h/d", "postgresql+asyncpg"),
        ("postgres://u:p@h/d", "postgresql+asyncpg"),
        ("postgresql+psycopg2://u:p@h/d", "postgresql+asyncpg"),
    ],
)
def test_the_driver_is_chosen_by_the_kind(url: str, driver: str) -> None:
    assert read_database_url(url).drivername == driver


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u:hidden@h/d", "sqlite://", "sqlite:///:memory:"])
def test_a_wrong_url_names_the_variable_and_what_is_expected(url: str) -> None:
    with pytest.raises(InvalidSetting, match=r"CALLSCRIBE_DATABASE_URL: .*expected sqlite:///PATH") as caught:
        read_database_url(url)
    assert "hidden" not in str(caught.value)


async def test_the_migrations_make_what_the_schema_says(store: Store) -> None:
    async with store._connections.reading() as connection:
        assert await connection.run_sync(lambda it: compare_metadata(MigrationContext.configure(it), METADATA)) == []


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    async with open_store(url):
        pass
    database = sqlite3.connect(tmp_path / "x.db")
    with database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(InvalidSetting, match="another version of Callscribe"):
        async with open_store(url):
            pass


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(Unavailable):
        async with open_store(f"sqlite:///{tmp_path}/x.db"):
            pass


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSetting, match=r"file/state/x\.db cannot be made"):
        async with open_store(f"sqlite:///{tmp_path}/file/state/x.db"):
            pass


async def test_a_database_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        async with open_store("postgresql://u:p@127.0.0.1:1/d"):
            pass
