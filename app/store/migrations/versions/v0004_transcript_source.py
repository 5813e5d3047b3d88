"""Where the text of a transcript comes from: speech that was recognised, or a prompt of ours."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; all that is there was recognised."""
    op.add_column("transcripts", sa.Column("source", sa.String(16), nullable=False, server_default=sa.text("'speech'")))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("transcripts", "source")
