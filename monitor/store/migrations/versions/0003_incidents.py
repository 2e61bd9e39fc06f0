"""Room for silences, and for who was told of which alert, how, and what was withheld."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    """Make the tables, and the columns that say when an alert was taken in hand and what was said."""
    op.add_column("alert", _number("acknowledged_at", nullable=True))
    op.add_column("alert", sa.Column("note", sa.Text()))
    op.create_table(
        "silence",
        *_texts("id"),
        *map(_number, ("starts_at", "ends_at", "created_at")),
        *_texts("body"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("silence_created", "silence", ["created_at", "id"])
    op.create_table(
        "notice",
        *_texts("alert", "message_id"),
        _number("time"),
        _bytes("body"),
        _number("told_at", nullable=True),
        sa.PrimaryKeyConstraint("alert"),
    )
    op.create_table(
        "hearing",
        *_texts("alert", "receiver", "message_id"),
        _number("wait"),
        *_texts("key"),
        sa.PrimaryKeyConstraint("alert", "receiver"),
    )
    op.create_table(
        "gathered",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        *_texts("receiver", "key"),
        _number("due_at"),
        *_texts("message_id"),
        _number("time"),
        _bytes("body"),
        sqlite_autoincrement=True,
    )
    op.create_table("withheld", *_texts("model", "why"), _number("messages"), sa.PrimaryKeyConstraint("model", "why"))


def downgrade() -> None:
    """Take them away."""
    for name in ("withheld", "gathered", "hearing", "notice", "silence"):
        op.drop_table(name)
    for name in ("note", "acknowledged_at"):
        op.drop_column("alert", name)
