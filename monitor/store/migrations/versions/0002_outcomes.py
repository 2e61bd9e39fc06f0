"""Room for what the model answered, until its targets are known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table that names the files of answers."""
    op.create_table(
        "outcome",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "model", "version")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _NUMBERS),
        sa.UniqueConstraint("name", name="outcome_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("outcome_model_first", "outcome", ["model", "first_at"])


def downgrade() -> None:
    """Take the table away."""
    op.drop_table("outcome")


_NUMBERS = ("pane_at", "first_at", "last_at", "rows", "bytes")
