"""How the database's own errors are told to the rest of the house, which does not know SQLAlchemy."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import AlreadyExists, CallscribeError, InvalidArgument, Unavailable


class StoreConflict(CallscribeError):
    """A row clashes with what is stored: it is there already, or what it refers to does not exist."""

    code = "STORE_CONFLICT"


class ValueTaken(StoreConflict, AlreadyExists):
    """Another row has a value that only one may have; `field` is which (`id`, `number`, `username` ...)."""

    code = "ALREADY_EXISTS"

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: there is one with this value already", field=field)
        self.field = field


_TAKEN = re.compile(r"UNIQUE constraint failed: ([\w., ]+)|Key \(([\w, ]+)\)=")
"""How SQLite (`TABLE.COLUMN, TABLE.COLUMN`) and PostgreSQL (`COLUMN, COLUMN`) name the columns of a unique index."""


@contextmanager
def told_in_our_words() -> Iterator[None]:
    """Turn database errors into ValueTaken, StoreConflict, InvalidArgument or Unavailable; the cause stays attached."""
    try:
        yield
    except IntegrityError as error:
        raise _conflict(error) from error
    except DataError as error:
        raise InvalidArgument("row", f"the database cannot hold this value: {error.orig}") from error
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable(f"the database did not do its part: {getattr(error, 'orig', error)}") from error
    except DBAPIError as error:
        # SQLite tells a damaged file, asyncpg a refused log-in by the unspecific kind; our own mistakes are specific
        if error.connection_invalidated or type(error) in (DatabaseError, DBAPIError):
            raise Unavailable(f"the database cannot be used: {error.orig}") from error
        raise


def _conflict(error: IntegrityError) -> StoreConflict:
    told = str(error.orig)
    # asyncpg has the columns in a field of its own, which SQLAlchemy's message leaves out.
    detail = getattr(getattr(error.orig, "__cause__", None), "detail", None) or ""
    taken = _TAKEN.search(f"{told}\n{detail}") if "unique" in told.lower() else None
    if taken is None:
        return StoreConflict(f"the row clashes with what is stored: {told}")
    columns = (taken[1] or taken[2]).split(", ")
    return ValueTaken(columns[-1].rpartition(".")[2])
