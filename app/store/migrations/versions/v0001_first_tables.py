"""The first tables: customers, agents, access keys, calls, activeflows, transcribes, transcripts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "customers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("webhook_method", sa.Text(), nullable=False),
        sa.Column("webhook_uri", sa.Text(), nullable=False),
        sa.Column("webhook_secret", sa.Text(), nullable=False),
        sa.Column("tm_create", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_update", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_delete", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("tm_create", name=op.f("uq_customers_tm_create")),
    )
    op.create_table(
        "write_probe",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tm_probe", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_probe")),
    )
    op.execute("INSERT INTO write_probe (id) VALUES (1)")
    op.create_table(
        "access_keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token_prefix", sa.Text(), nullable=False),
        sa.Column("tm_expire", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tm_create", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_update", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_delete", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_access_keys_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_keys")),
        sa.UniqueConstraint("customer_id", "tm_create", name=op.f("uq_access_keys_customer_id_tm_create")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_keys_token_hash")),
    )
    op.create_table(
        "activeflows",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("flow_id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reference_type", sa.Text(), nullable=False),
        sa.Column("reference_id", sa.String(length=36), nullable=False),
        sa.Column("current_action", sa.JSON(), nullable=True),
        sa.Column("executed_actions", sa.JSON(), nullable=False),
        sa.Column("tm_create", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_update", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_delete", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_activeflows_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activeflows")),
        sa.UniqueConstraint("customer_id", "tm_create", name=op.f("uq_activeflows_customer_id_tm_create")),
    )
    op.create_index(op.f("ix_activeflows_status"), "activeflows", ["status"], unique=False)
    op.create_table(
        "agents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("permission", sa.Integer(), nullable=False),
        sa.Column("tm_create", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_update", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_delete", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_agents_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("customer_id", "tm_create", name=op.f("uq_agents_customer_id_tm_create")),
        sa.UniqueConstraint("username", name=op.f("uq_agents_username")),
    )
    op.create_table(
        "calls",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.Column("destination", sa.JSON(), nullable=False),
        sa.Column("flow_id", sa.String(length=36), nullable=False),
        sa.Column("activeflow_id", sa.String(length=36), nullable=False),
        sa.Column("action", sa.JSON(), nullable=False),
        sa.Column("hangup_by", sa.Text(), nullable=False),
        sa.Column("hangup_reason", sa.Text(), nullable=False),
        sa.Column("tm_ringing", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tm_progressing", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tm_hangup", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tm_create", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_update", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_delete", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_calls_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("customer_id", "tm_create", name=op.f("uq_calls_customer_id_tm_create")),
    )
    op.create_index(op.f("ix_calls_status"), "calls", ["status"], unique=False)
    op.create_table(
        "transcribes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("reference_type", sa.Text(), nullable=False),
        sa.Column("reference_id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("activeflow_id", sa.String(length=36), nullable=False),
        sa.Column("on_end_flow_id", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("tm_create", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_update", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_delete", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_transcribes_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcribes")),
        sa.UniqueConstraint("customer_id", "tm_create", name=op.f("uq_transcribes_customer_id_tm_create")),
    )
    op.create_index(op.f("ix_transcribes_reference_id"), "transcribes", ["reference_id"], unique=False)
    op.create_index(op.f("ix_transcribes_status"), "transcribes", ["status"], unique=False)
    op.create_table(
        "transcripts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("transcribe_id", sa.String(length=36), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("offset_us", sa.BigInteger(), nullable=False),
        sa.Column("duration_us", sa.BigInteger(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("words", sa.JSON(), nullable=True),
        sa.Column("tm_create", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tm_delete", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_transcripts_customer_id")),
        sa.ForeignKeyConstraint(["transcribe_id"], ["transcribes.id"], name=op.f("fk_transcripts_transcribe_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcripts")),
        sa.UniqueConstraint("transcribe_id", "tm_create", name=op.f("uq_transcripts_transcribe_id_tm_create")),
    )


def downgrade() -> None:
    """Drop them all."""
    for table in (
        "transcripts",
        "transcribes",
        "activeflows",
        "calls",
        "access_keys",
        "agents",
        "customers",
        "write_probe",
    ):
        op.drop_table(table)
