"""How the database's own errors are told to the rest of the house, which does not know SQLAlchemy."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import CallscribeError, InvalidArgument, Unavailable


class StoreConflict(CallscribeError):
    """A row clashes with what is stored: its id exists already, or what it refers to does not exist."""

    code = "STORE_CONFLICT"


@contextmanager
def told_in_our_words() -> Iterator[None]:
    """Turn database errors into StoreConflict, InvalidArgument or Unavailable; the cause stays attached."""
    try:
        yield
    except IntegrityError as error:
        raise StoreConflict(f"the row clashes with what is stored: {error.orig}") from error
    except DataError as error:
        raise InvalidArgument("row", f"the database cannot hold this value: {error.orig}") from error
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable(f"the database did not do its part: {getattr(error, 'orig', error)}") from error
    except DBAPIError as error:
        # SQLite tells a damaged file, asyncpg a refused log-in by the unspecific kind; our own mistakes are specific
        if error.connection_invalidated or type(error) in (DatabaseError, DBAPIError):
            raise Unavailable(f"the database cannot be used: {error.orig}") from error
        raise
