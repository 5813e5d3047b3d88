"""What the steps are made of. It is part of the steps that were taken: add to it, but change nothing that is here."""

from typing import Any

import sqlalchemy as sa
from alembic import op

_IS_LIVE = sa.text("tm_delete IS NULL")


def make_resource(table: str, *parts: sa.schema.SchemaItem) -> None:
    """Make the table of a customer's resource, listed by its tm_create (ADR 0018)."""
    op.create_table(
        table,
        *uuids("id", "customer_id"),
        *parts,
        moment("tm_create"),
        moment("tm_update"),
        moment("tm_delete", is_optional=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=f"fk_{table}_customer_id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("customer_id", "tm_create", name=f"uq_{table}_customer_id_tm_create"),
    )


def make_index(table: str, *columns: str) -> None:
    """Make an index, named as the schema's naming convention does."""
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def make_unique_while_live(name: str, table: str, *columns: str) -> None:
    """Make the index that lets only one row that is not deleted have these values."""
    op.create_index(name, table, list(columns), unique=True, sqlite_where=_IS_LIVE, postgresql_where=_IS_LIVE)


def uuids(*names: str) -> list[sa.Column[Any]]:
    """Return UUID columns in their 36-character text form."""
    return [sa.Column(name, sa.String(36), nullable=False) for name in names]


def words(*names: str) -> list[sa.Column[Any]]:
    """Return columns of one word out of a few."""
    return [sa.Column(name, sa.String(16), nullable=False) for name in names]


def short_texts(*names: str) -> list[sa.Column[Any]]:
    """Return columns of texts that are looked up."""
    return [sa.Column(name, sa.String(255), nullable=False) for name in names]


def texts(*names: str) -> list[sa.Column[Any]]:
    """Return columns of text of any length."""
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def jsons(*names: str) -> list[sa.Column[Any]]:
    """Return columns of JSON."""
    return [sa.Column(name, sa.JSON(), nullable=False) for name in names]


def integers(*names: str) -> list[sa.Column[Any]]:
    """Return columns of numbers."""
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def flags(*names: str) -> list[sa.Column[Any]]:
    """Return columns of true or false."""
    return [sa.Column(name, sa.Boolean(), nullable=False) for name in names]


def moment(name: str, *, is_optional: bool = False) -> sa.Column[Any]:
    """Return a column of a moment in UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=is_optional)


def direct_hash() -> sa.Column[Any]:
    """Return the column by which a resource is dialled directly."""
    return sa.Column("direct_hash", sa.String(64), nullable=False)
