"""Column types: moments in UTC, lengths of time, choices and JSON forms, the same in SQLite and PostgreSQL."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import IntFlag, StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Integer, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware datetime in UTC to the microsecond. SQLite has no zones: it holds the UTC wall time as sortable text."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return `value` as the database takes it; it must be aware."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment in the store must be aware, got {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the database gave as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Length(TypeDecorator[timedelta]):
    """A length of time as whole microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        """Return microseconds."""
        return None if value is None else value // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:
        """Return the length that the microseconds mean."""
        return None if value is None else timedelta(microseconds=value)


class Choice(TypeDecorator[StrEnum]):
    """One word of `kind`, as text, where `length` is given of at most so many characters."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok = True

    def __init__(self, kind: type[StrEnum], length: int = 0) -> None:
        super().__init__()
        self.kind = kind
        self.length = length
        if length:
            self.impl = String(length)

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Return the word."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Return the member of `kind` that the word means."""
        return None if value is None else self.kind(value)


class Flags(TypeDecorator[IntFlag]):
    """A set of bits of `kind` as their number."""

    impl = Integer
    cache_ok = True

    def __init__(self, kind: type[IntFlag]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: IntFlag | None, dialect: Dialect) -> int | None:
        """Return the number."""
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> IntFlag | None:
        """Return the bits that the number means."""
        return None if value is None else self.kind(value)


class Form(TypeDecorator[Any]):
    """A value of the domain as JSON: `to_json` makes of it what `from_json` reads. None is NULL."""

    impl = JSON
    cache_ok = True

    def __init__(self, to_json: Callable[[Any], Any], from_json: Callable[[Any], Any]) -> None:
        super().__init__(none_as_null=True)
        self.to_json = to_json
        self.from_json = from_json

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return the JSON-ready form."""
        return None if value is None else self.to_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return the value that was stored."""
        return None if value is None else self.from_json(value)
