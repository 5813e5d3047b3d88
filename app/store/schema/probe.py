"""The table that the health check writes."""

from sqlalchemy import Column, Integer, Table

from app.store.schema.parts import METADATA, moment_column

WRITE_PROBE = Table(
    "write_probe", METADATA, Column("id", Integer, primary_key=True), moment_column("tm_probe", is_optional=True)
)
"""One row, made with the table, that the health check writes, to know that the disk takes writes."""
