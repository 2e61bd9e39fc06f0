"""The first schema.

Written out, not taken from ``schema.py``: that one goes on changing, and a migration never does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    _make_sources()
    _make_profiles()
    _make_segments_and_references()
    _make_windows()
    _make_alerts()
    _make_actions()
    _make_deliveries()
    _make_small_tables()


def downgrade() -> None:
    """Refuse: there is nothing before."""
    raise NotImplementedError


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _serial() -> sa.Column[int]:
    return sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True)


def _make_sources() -> None:
    op.create_table(
        "position",
        _text("model"),
        _text("role"),
        _bytes("file"),
        _text("body"),
        sa.PrimaryKeyConstraint("model", "role", "file"),
    )
    op.create_table(
        "counts",
        _text("model"),
        _text("role"),
        _number("accepted"),
        _number("late"),
        _number("sampled"),
        _number("accepted_at", nullable=True),
        sa.PrimaryKeyConstraint("model", "role"),
    )
    op.create_table(
        "rejection",
        _text("model"),
        _text("role"),
        _text("reason"),
        _number("rows"),
        sa.PrimaryKeyConstraint("model", "role", "reason"),
    )


def _make_profiles() -> None:
    op.create_table(
        "pane",
        _text("model"),
        _text("version"),
        _number("start_at"),
        _number("rows"),
        _bytes("payload"),
        sa.PrimaryKeyConstraint("model", "version", "start_at"),
    )
    op.create_table(
        "memory",
        _text("model"),
        _text("version"),
        _text("name"),
        _bytes("payload"),
        sa.PrimaryKeyConstraint("model", "version", "name"),
    )
    op.create_table(
        "target",
        _text("model"),
        _text("id"),
        _text("body"),
        _number("at"),
        sa.PrimaryKeyConstraint("model", "id"),
        sqlite_with_rowid=False,
    )


def _make_segments_and_references() -> None:
    op.create_table(
        "segment",
        _serial(),
        _text("name"),
        _text("model"),
        _text("version"),
        _number("pane_at"),
        _number("first_at"),
        _number("last_at"),
        _number("rows"),
        _number("bytes"),
        sa.UniqueConstraint("name", name="segment_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("segment_model_first", "segment", ["model", "first_at"])
    op.create_table(
        "reference",
        _text("model"),
        _text("version"),
        _text("id"),
        _number("saved_at"),
        _text("info"),
        _bytes("payload"),
        sa.PrimaryKeyConstraint("model", "version", "id"),
    )


def _make_windows() -> None:
    op.create_table(
        "window",
        _text("id"),
        _text("model"),
        _text("version"),
        _number("start_at"),
        _number("end_at"),
        _text("verdict"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("window_end", "window", ["end_at", "id"])
    op.create_index("window_model_end", "window", ["model", "end_at", "id"])
    op.create_table(
        "performance",
        _text("window"),
        _text("model"),
        _text("version"),
        _number("end_at"),
        _number("at"),
        _number("final"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("window"),
    )
    op.create_index("performance_model_end", "performance", ["model", "end_at"])


def _make_alerts() -> None:
    op.create_table(
        "alert",
        _text("id"),
        _text("model"),
        _text("version"),
        _text("name"),
        _text("state"),
        _number("started_at"),
        _number("resolved_at", nullable=True),
        _text("body"),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        _number("silenced_until", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alert_started", "alert", ["started_at", "id"])
    op.create_index("alert_state", "alert", ["state", "model"])


def _make_actions() -> None:
    op.create_table(
        "action",
        _text("id"),
        _text("model"),
        _text("version"),
        _text("kind"),
        _text("status"),
        _number("requested_at"),
        _number("updated_at"),
        _text("body"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("action_model_requested", "action", ["model", "requested_at", "id"])
    op.create_index("action_requested", "action", ["requested_at", "id"])
    op.create_table(
        "fence",
        _text("model"),
        _number("number"),
        sa.PrimaryKeyConstraint("model"),
    )


def _make_deliveries() -> None:
    op.create_table(
        "delivery",
        _serial(),
        _text("id"),
        _text("receiver"),
        _text("message_id"),
        _number("time"),
        _bytes("body"),
        _text("status"),
        _number("attempts"),
        _number("queued_at"),
        _number("next_at"),
        _number("ended_at", nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.UniqueConstraint("id", name="delivery_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("delivery_receiver_status", "delivery", ["receiver", "status", "seq"])


def _make_small_tables() -> None:
    op.create_table(
        "meta",
        _text("name"),
        _text("body"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "audit",
        _serial(),
        _number("at"),
        _text("actor"),
        _text("what"),
        _text("detail"),
        _text("digest"),
        sqlite_autoincrement=True,
    )
