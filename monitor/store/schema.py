"""The tables. A change here needs a migration beside it, and a new ``HEAD``.

Instants are integers (microseconds UTC). ``body`` is the JSON object that users are shown; the columns beside it exist
to find and to sort. ``payload`` is opaque. Types are those that SQLite and PostgreSQL share.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint
from sqlalchemy import PrimaryKeyConstraint as Key

HEAD = "0003"

metadata = MetaData()
version_metadata = MetaData()

# SQLite numbers rows by itself only in a column declared INTEGER.
Serial = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _number(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


alembic_version = Table(
    "alembic_version",
    version_metadata,
    Column("version_num", String(32), nullable=False),
    Key("version_num", name="alembic_version_pkc"),
)

meta = Table("meta", metadata, _text("name"), _text("body"), Key("name"))

position = Table(
    "position",
    metadata,
    _text("model"),
    _text("role"),
    _bytes("file"),  # a file's name need not be Unicode
    _text("body"),
    Key("model", "role", "file"),
)

counts = Table(
    "counts",
    metadata,
    _text("model"),
    _text("role"),
    _number("accepted"),
    _number("late"),
    _number("sampled"),
    _number("accepted_at", nullable=True),
    Key("model", "role"),
)

rejection = Table(
    "rejection",
    metadata,
    _text("model"),
    _text("role"),
    _text("reason"),
    _number("rows"),
    Key("model", "role", "reason"),
)

reference = Table(
    "reference",
    metadata,
    _text("model"),
    _text("version"),
    _text("id"),
    _number("saved_at"),
    _text("info"),
    _bytes("payload"),
    Key("model", "version", "id"),
)

pane = Table(
    "pane",
    metadata,
    _text("model"),
    _text("version"),
    _number("start_at"),
    _number("rows"),
    _bytes("payload"),
    Key("model", "version", "start_at"),
)

memory = Table(
    "memory",
    metadata,
    _text("model"),
    _text("version"),
    _text("name"),
    _bytes("payload"),
    Key("model", "version", "name"),
)


def _segments(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("seq", Serial, primary_key=True, autoincrement=True),
        _text("name"),
        _text("model"),
        _text("version"),
        _number("pane_at"),
        _number("first_at"),
        _number("last_at"),
        _number("rows"),
        _number("bytes"),
        UniqueConstraint("name", name=f"{name}_name"),
        Index(f"{name}_model_first", "model", "first_at"),
        sqlite_autoincrement=True,
    )


segment = _segments("segment")
outcome = _segments("outcome")

window = Table(
    "window",
    metadata,
    _text("id"),
    _text("model"),
    _text("version"),
    _number("start_at"),
    _number("end_at"),
    _text("verdict"),
    _bytes("body"),
    Key("id"),
    Index("window_end", "end_at", "id"),
    Index("window_model_end", "model", "end_at", "id"),
)

performance = Table(
    "performance",
    metadata,
    _text("window"),
    _text("model"),
    _text("version"),
    _number("end_at"),
    _number("at"),
    _number("final"),
    _bytes("body"),
    Key("window"),
    Index("performance_model_end", "model", "end_at"),
)

alert = Table(
    "alert",
    metadata,
    _text("id"),
    _text("model"),
    _text("version"),
    _text("name"),
    _text("state"),
    _number("started_at"),
    _number("resolved_at", nullable=True),
    _text("body"),
    Column("acknowledged_by", Text),
    _number("silenced_until", nullable=True),  # of no use since there are silences by matchers
    _number("acknowledged_at", nullable=True),
    Column("note", Text),
    Key("id"),
    Index("alert_started", "started_at", "id"),
    Index("alert_state", "state", "model"),
)

silence = Table(
    "silence",
    metadata,
    _text("id"),
    _number("starts_at"),
    _number("ends_at"),
    _number("created_at"),
    _text("body"),
    Key("id"),
    Index("silence_created", "created_at", "id"),
)

notice = Table(
    "notice",
    metadata,
    _text("alert"),
    _text("message_id"),
    _number("time"),
    _bytes("body"),
    _number("told_at", nullable=True),
    Key("alert"),
)

hearing = Table(
    "hearing",
    metadata,
    _text("alert"),
    _text("receiver"),
    _text("message_id"),
    _number("wait"),
    _text("key"),
    Key("alert", "receiver"),
)

gathered = Table(
    "gathered",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    _text("receiver"),
    _text("key"),
    _number("due_at"),
    _text("message_id"),
    _number("time"),
    _bytes("body"),
    sqlite_autoincrement=True,
)

withheld = Table("withheld", metadata, _text("model"), _text("why"), _number("messages"), Key("model", "why"))

action = Table(
    "action",
    metadata,
    _text("id"),
    _text("model"),
    _text("version"),
    _text("kind"),
    _text("status"),
    _number("requested_at"),
    _number("updated_at"),
    _text("body"),
    Key("id"),
    Index("action_requested", "requested_at", "id"),
    Index("action_model_requested", "model", "requested_at", "id"),
)

fence = Table("fence", metadata, _text("model"), _number("number"), Key("model"))

delivery = Table(
    "delivery",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
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
    Column("reason", Text),
    UniqueConstraint("id", name="delivery_id"),
    Index("delivery_receiver_status", "receiver", "status", "seq"),
    sqlite_autoincrement=True,
)

target = Table(
    "target",
    metadata,
    _text("model"),
    _text("id"),
    _text("body"),
    _number("at"),
    Key("model", "id"),  # and no index by instant: it would take twice the room, and thrice the time to write
    sqlite_with_rowid=False,
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    _number("at"),
    _text("actor"),
    _text("what"),
    _text("detail"),
    _text("digest"),
    sqlite_autoincrement=True,
)
