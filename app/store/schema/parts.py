"""What the tables are made of: names of constraints, and the columns and indexes that most of them have."""

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Index, MetaData, String, Text, UniqueConstraint, text

from app.store.columns import Moment

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_column(name: str = "id", *, to: str = "", is_key: bool = False) -> Column[str]:
    """Return a UUID column in its 36-character text form."""
    references = (ForeignKey(to),) if to else ()
    return Column(name, String(36), *references, primary_key=is_key, nullable=False)


def moment_column(name: str, *, is_optional: bool = False) -> Column[Any]:
    """Return a column of a moment."""
    return Column(name, Moment, nullable=is_optional)


def text_column(name: str) -> Column[str]:
    """Return a column of text of any length."""
    return Column(name, Text, nullable=False)


def flag_column(name: str) -> Column[bool]:
    """Return a column of true or false."""
    return Column(name, Boolean, nullable=False)


def owned_by_a_customer() -> tuple[Column[str], Column[str]]:
    """Return the id and the owner of a customer's resource."""
    return id_column(is_key=True), id_column("customer_id", to="customers.id")


def tm_columns() -> tuple[Column[Any], ...]:
    """Return the columns tm_create, tm_update, tm_delete."""
    return moment_column("tm_create"), moment_column("tm_update"), moment_column("tm_delete", is_optional=True)


def listed_by_customer() -> tuple[Column[Any] | UniqueConstraint, ...]:
    """Return the tm_columns, with a resource's place in its customer's list (ADR 0018)."""
    return *tm_columns(), UniqueConstraint("customer_id", "tm_create")


def unique_while_live(name: str, *columns: str) -> Index:
    """Return the index that lets only one row that is not deleted have these values: a deleted one's are free again."""
    is_live = text("tm_delete IS NULL")
    return Index(name, *columns, unique=True, sqlite_where=is_live, postgresql_where=is_live)
