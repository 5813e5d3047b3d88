"""Queues and the stays of calls in them."""

import sqlalchemy as sa
from alembic import op

from app.store.migrations.parts import integers, jsons, make_index, make_resource, moment, texts, uuids, words

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the two tables."""
    make_resource(
        "queues",
        *texts("name", "detail"),
        *words("routing_method"),
        *jsons("tag_ids"),
        *uuids("wait_flow_id"),
        *integers("wait_timeout", "service_timeout"),
    )
    make_resource(
        "queuecalls",
        *uuids("queue_id"),
        *texts("reference_type"),
        *uuids("reference_id"),
        *words("status"),
        *uuids("activeflow_id", "service_agent_id"),
        *integers("timeout_wait", "timeout_service", "duration_waiting", "duration_service"),
        moment("tm_service", is_optional=True),
        moment("tm_end", is_optional=True),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_queuecalls_queue_id"),
    )
    make_index("queuecalls", "queue_id", "tm_create")
    make_index("queuecalls", "status")


def downgrade() -> None:
    """Drop them."""
    op.drop_table("queuecalls")
    op.drop_table("queues")
