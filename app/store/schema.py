"""The tables. A change here needs a migration in `migrations/versions/`; a test holds the two together.

Every table has a unique `(owner, tm_create)`: a page of a list ends at a tm_create (ADR 0018), so no two rows of one
list may share one; the same index serves the list.
"""

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

from app.store.columns import Length, Moment

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(name: str = "id", *, to: str = "", is_key: bool = False) -> Column[str]:
    """Return a UUID column in its 36-character text form."""
    references = (ForeignKey(to),) if to else ()
    return Column(name, String(36), *references, primary_key=is_key, nullable=False)


def _moment(name: str, *, is_optional: bool = False) -> Column[object]:
    return Column(name, Moment, nullable=is_optional)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


CUSTOMERS = Table(
    "customers",
    METADATA,
    _id(is_key=True),
    _text("name"),
    _text("detail"),
    _text("email"),
    _text("phone_number"),
    _text("address"),
    _text("webhook_method"),
    _text("webhook_uri"),
    _text("webhook_secret"),
    _moment("tm_create"),
    _moment("tm_update"),
    _moment("tm_delete", is_optional=True),
    UniqueConstraint("tm_create"),
)

AGENTS = Table(
    "agents",
    METADATA,
    _id(is_key=True),
    _id("customer_id", to="customers.id"),
    Column("username", String(255), nullable=False, unique=True),
    _text("password_hash"),
    _text("name"),
    _text("detail"),
    Column("permission", Integer, nullable=False),
    _moment("tm_create"),
    _moment("tm_update"),
    _moment("tm_delete", is_optional=True),
    UniqueConstraint("customer_id", "tm_create"),
)

ACCESS_KEYS = Table(
    "access_keys",
    METADATA,
    _id(is_key=True),
    _id("customer_id", to="customers.id"),
    _text("name"),
    _text("detail"),
    Column("token_hash", String(64), nullable=False, unique=True),
    _text("token_prefix"),
    _moment("tm_expire", is_optional=True),
    _moment("tm_create"),
    _moment("tm_update"),
    _moment("tm_delete", is_optional=True),
    UniqueConstraint("customer_id", "tm_create"),
)

CALLS = Table(
    "calls",
    METADATA,
    _id(is_key=True),
    _id("customer_id", to="customers.id"),
    _text("direction"),
    Column("status", String(16), nullable=False),
    Column("source", JSON, nullable=False),
    Column("destination", JSON, nullable=False),
    _id("flow_id"),
    _id("activeflow_id"),
    Column("action", JSON, nullable=False),
    _text("hangup_by"),
    _text("hangup_reason"),
    _moment("tm_ringing", is_optional=True),
    _moment("tm_progressing", is_optional=True),
    _moment("tm_hangup", is_optional=True),
    _moment("tm_create"),
    _moment("tm_update"),
    _moment("tm_delete", is_optional=True),
    UniqueConstraint("customer_id", "tm_create"),
    Index(None, "status"),
)

ACTIVEFLOWS = Table(
    "activeflows",
    METADATA,
    _id(is_key=True),
    _id("customer_id", to="customers.id"),
    _id("flow_id"),
    Column("status", String(16), nullable=False),
    _text("reference_type"),
    _id("reference_id"),
    Column("current_action", JSON(none_as_null=True), nullable=True),
    Column("executed_actions", JSON, nullable=False),
    _moment("tm_create"),
    _moment("tm_update"),
    _moment("tm_delete", is_optional=True),
    UniqueConstraint("customer_id", "tm_create"),
    Index(None, "status"),
)

TRANSCRIBES = Table(
    "transcribes",
    METADATA,
    _id(is_key=True),
    _id("customer_id", to="customers.id"),
    _text("reference_type"),
    _id("reference_id"),
    Column("status", String(16), nullable=False),
    _text("language"),
    _text("direction"),
    _text("engine"),
    _text("model"),
    _id("activeflow_id"),
    _id("on_end_flow_id"),
    _text("provider"),
    _moment("tm_create"),
    _moment("tm_update"),
    _moment("tm_delete", is_optional=True),
    UniqueConstraint("customer_id", "tm_create"),
    Index(None, "reference_id"),
    Index(None, "status"),
)

TRANSCRIPTS = Table(
    "transcripts",
    METADATA,
    _id(is_key=True),
    _id("customer_id", to="customers.id"),
    _id("transcribe_id", to="transcribes.id"),
    _text("direction"),
    _text("message"),
    Column("offset_us", Length, nullable=False),
    Column("duration_us", Length, nullable=False),
    _text("engine"),
    _text("model"),
    Column("confidence", Float, nullable=True),
    Column("words", JSON(none_as_null=True), nullable=True),
    _moment("tm_create"),
    _moment("tm_delete", is_optional=True),
    UniqueConstraint("transcribe_id", "tm_create"),
)

WRITE_PROBE = Table(
    "write_probe", METADATA, Column("id", Integer, primary_key=True), _moment("tm_probe", is_optional=True)
)
"""One row, made with the table, that the health check writes, to know that the disk takes writes."""
