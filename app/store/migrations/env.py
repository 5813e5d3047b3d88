"""Alembic's entry: runs the steps on the connection that the store opened, inside its transaction."""

from alembic import context
from sqlalchemy import text
from sqlalchemy.engine import Connection

from app.store.schema import METADATA

_LOCK = 0x63616C6C  # any constant: two instances that start at once on one PostgreSQL take turns


def migrate(connection: Connection) -> None:
    """Run the steps that this database has not seen."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


migrate(context.config.attributes["connection"])
