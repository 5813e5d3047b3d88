"""Opening a store: read the URL, bring the tables up to date, hand out the store, close it at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError

from app.errors import InvalidSetting
from app.logs import get_log
from app.store.connections import Connections
from app.store.store import Store

log = get_log("store")

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_EXPECTED = "expected sqlite:///PATH/TO/FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
_VARIABLE = "CALLSCRIBE_DATABASE_URL"


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """Yield the store at `url` with its tables up to date.

    Raises InvalidSetting for a URL that cannot be used or a database of a newer Callscribe, Unavailable when the
    database cannot be reached or written.
    """
    address = read_database_url(url)
    if address.get_backend_name() == "sqlite":
        _make_folder(Path(str(address.database)))
    connections = Connections(address)
    try:
        async with connections.writing() as connection:
            await connection.run_sync(_migrate)
        log.info("store opened", database=address.render_as_string(hide_password=True))
        yield Store(connections)
    finally:
        await connections.close()


def read_database_url(url: str) -> URL:
    """Return the SQLAlchemy URL with the asynchronous driver; InvalidSetting says what is wrong with it."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):  # its text could hold the password: not shown
        raise InvalidSetting(_VARIABLE, f"this is not a database URL; {_EXPECTED}") from None
    driver = _DRIVERS.get(address.drivername.partition("+")[0])
    if driver is None:
        raise InvalidSetting(_VARIABLE, f"databases of the kind {address.drivername!r} are not supported; {_EXPECTED}")
    if driver.startswith("sqlite") and address.database in (None, "", ":memory:"):
        raise InvalidSetting(_VARIABLE, f"a database in memory would forget everything at the end; {_EXPECTED}")
    return address.set(drivername=driver)


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSetting(_VARIABLE, f"the folder of {file} cannot be made: {error.strerror}") from error


def _migrate(connection: Connection) -> None:
    """Bring the tables to the newest form inside the open transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise InvalidSetting(
            _VARIABLE, f"this database was written by another version of Callscribe ({error}); use that one or newer"
        ) from error
