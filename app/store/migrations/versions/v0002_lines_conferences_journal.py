"""Groupcalls, flows, conferences, recordings, what connects us with telephones, and the journal of events."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.store.migrations.parts import (
    direct_hash,
    flags,
    integers,
    jsons,
    make_index,
    make_resource,
    make_unique_while_live,
    moment,
    short_texts,
    texts,
    uuids,
    words,
)

revision = "0002"
down_revision = "0001"

_ZERO_ID = "'00000000-0000-0000-0000-000000000000'"
_IS_PENDING = sa.text("status = 'pending'")


def upgrade() -> None:
    """Make the new tables, and the new columns with what they are in the rows that are there."""
    _grow()
    _make_call_tables()
    _make_room_tables()
    _make_line_tables()
    _make_journal_tables()


def downgrade() -> None:
    """Drop them; agents' usernames are unique among the deleted ones too again."""
    for table in (
        *("webhook_deliveries", "events", "outbound_configs", "trunks", "extensions", "numbers", "conferencecalls"),
        *("conferences", "flows", "recordings", "groupcalls"),
    ):
        op.drop_table(table)
    op.drop_index("uq_agents_username_live", "agents")
    with op.batch_alter_table("agents") as agents:
        agents.create_unique_constraint("uq_agents_username", ["username"])
    for table, columns in _NEW_COLUMNS.items():
        for column in columns:
            op.drop_column(table, column)


def _grow() -> None:
    for table, columns in _NEW_COLUMNS.items():
        for name, (kind, default) in columns.items():
            # The default stays in the table: SQLite could only drop it by copying all rows.
            column = sa.Column(name, kind, nullable=default is None, server_default=default and sa.text(default))
            op.add_column(table, column)
    with op.batch_alter_table("agents") as agents:
        agents.drop_constraint("uq_agents_username", type_="unique")
    make_unique_while_live("uq_agents_username_live", "agents", "username")


def _make_call_tables() -> None:
    make_resource(
        "groupcalls",
        *words("status"),
        *jsons("source", "destinations"),
        *words("ring_method"),
        *texts("answer_method"),
        *uuids("flow_id"),
        *texts("owner_type"),
        *uuids("owner_id", "master_call_id", "master_groupcall_id", "answer_call_id"),
        *jsons("call_ids"),
        *uuids("answer_groupcall_id"),
        *jsons("groupcall_ids"),
        *integers("call_count", "groupcall_count", "dial_index"),
    )
    make_index("groupcalls", "status")
    make_resource(
        "recordings",
        *words("reference_type"),
        *uuids("reference_id"),
        *words("status"),
        *texts("format", "owner_type"),
        *uuids("owner_id", "activeflow_id", "on_end_flow_id"),
        *jsons("filenames"),
        moment("tm_start", is_optional=True),
        moment("tm_end", is_optional=True),
    )
    make_index("recordings", "reference_id")
    make_index("recordings", "status")
    make_resource(
        "flows",
        *texts("name", "detail"),
        *jsons("actions"),
        direct_hash(),
        *uuids("on_complete_flow_id"),
        *flags("is_temporary"),
    )
    make_index("flows", "direct_hash")
    make_index("flows", "is_temporary", "tm_create")


def _make_room_tables() -> None:
    make_resource(
        "conferences",
        *words("type", "status"),
        *texts("name", "detail"),
        *jsons("data"),
        *integers("timeout"),
        *uuids("pre_flow_id", "post_flow_id"),
        *jsons("conferencecall_ids"),
        *uuids("recording_id"),
        *jsons("recording_ids"),
        *uuids("transcribe_id"),
        *jsons("transcribe_ids"),
        direct_hash(),
        moment("tm_end", is_optional=True),
    )
    make_index("conferences", "status")
    make_index("conferences", "direct_hash")
    make_resource(
        "conferencecalls",
        *uuids("conference_id"),
        *texts("reference_type"),
        *uuids("reference_id"),
        *words("status"),
        *uuids("activeflow_id"),
        sa.ForeignKeyConstraint(["conference_id"], ["conferences.id"], name="fk_conferencecalls_conference_id"),
    )
    make_index("conferencecalls", "conference_id", "tm_create")
    make_index("conferencecalls", "status")


def _make_line_tables() -> None:
    make_resource(
        "numbers",
        *short_texts("number"),
        *words("type"),
        *texts("name", "detail"),
        *uuids("call_flow_id", "message_flow_id"),
        *flags("is_rtp_debug"),
        moment("tm_purchase", is_optional=True),
        moment("tm_renew", is_optional=True),
    )
    make_unique_while_live("uq_numbers_number_live", "numbers", "number")
    make_resource(
        "extensions",
        *short_texts("extension", "username"),
        *texts("password", "domain_name", "name", "detail"),
        direct_hash(),
    )
    make_unique_while_live("uq_extensions_extension_live", "extensions", "customer_id", "extension")
    make_unique_while_live("uq_extensions_username_live", "extensions", "username")
    make_index("extensions", "direct_hash")
    make_resource(
        "trunks",
        *texts("name"),
        *short_texts("domain_name"),
        *texts("detail"),
        *jsons("auth_types"),
        *texts("username", "password"),
        *jsons("allowed_ips"),
        *texts("hostname", "transport"),
        *flags("is_registering"),
        *integers("priority"),
        direct_hash(),
    )
    make_unique_while_live("uq_trunks_domain_name_live", "trunks", "domain_name")
    make_index("trunks", "direct_hash")
    make_resource(
        "outbound_configs",
        *texts("name", "detail"),
        *jsons("destination_whitelist"),
        *texts("codecs"),
        *uuids("default_outgoing_source_number_id"),
    )
    make_unique_while_live("uq_outbound_configs_customer_id_live", "outbound_configs", "customer_id")


def _make_journal_tables() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        *uuids("customer_id"),
        *texts("type", "body"),
        *jsons("topics"),
        moment("tm_create"),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sqlite_autoincrement=True,
    )
    make_index("events", "customer_id", "seq")
    make_resource(
        "webhook_deliveries",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *short_texts("order_key"),
        *texts("event_type", "uri", "method", "body"),
        *words("status"),
        moment("tm_next"),
        *integers("attempts"),
        *texts("last_error"),
        moment("tm_delivered", is_optional=True),
        moment("tm_resend", is_optional=True),
    )
    op.create_index(
        "ix_webhook_deliveries_queue",
        "webhook_deliveries",
        ["uri", "order_key", "seq", "tm_next"],
        sqlite_where=_IS_PENDING,
        postgresql_where=_IS_PENDING,
    )
    make_index("webhook_deliveries", "customer_id", "status", "tm_create")
    make_index("webhook_deliveries", "status", "tm_update")


_NEW_COLUMNS: dict[str, dict[str, tuple[sa.types.TypeEngine[Any], str | None]]] = {
    "customers": {"is_rtp_debug": (sa.Boolean(), "false")},
    "agents": {
        "ring_method": (sa.String(16), "'ring_all'"),
        "status": (sa.String(16), "'offline'"),
        "tag_ids": (sa.JSON(), "'[]'"),
        "addresses": (sa.JSON(), "'[]'"),
    },
    "calls": {
        "type": (sa.String(16), "'flow'"),
        "owner_type": (sa.Text(), "''"),
        "owner_id": (sa.String(36), _ZERO_ID),
        "master_call_id": (sa.String(36), _ZERO_ID),
        "chained_call_ids": (sa.JSON(), "'[]'"),
        "recording_id": (sa.String(36), _ZERO_ID),
        "recording_ids": (sa.JSON(), "'[]'"),
        "groupcall_id": (sa.String(36), _ZERO_ID),
        "mute_direction": (sa.String(16), "''"),
    },
    "activeflows": {
        "reference_activeflow_id": (sa.String(36), _ZERO_ID),
        "on_complete_flow_id": (sa.String(36), _ZERO_ID),
        "complete_count": (sa.Integer(), "0"),
        "webhook_uri": (sa.Text(), "''"),
        "webhook_method": (sa.Text(), "''"),
    },
    "transcripts": {"speaker": (sa.JSON(), None), "is_degraded": (sa.Boolean(), "false")},
}
