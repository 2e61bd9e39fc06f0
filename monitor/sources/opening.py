"""From the settings of a source to the source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from monitor.instant import microseconds
from monitor.record import Layout
from monitor.sources.dialects.choice import PAIRED, dialect_of
from monitor.sources.dialects.settings import LoggedEventSettings
from monitor.sources.files import FilesSettings, FilesSource
from monitor.sources.http import HttpSettings, HttpSource, HttpTargetsSettings
from monitor.sources.kafka.settings import KafkaSettings
from monitor.sources.lake.settings import LakeSettings
from monitor.sources.objects.settings import ObjectsSettings
from monitor.sources.paired import HALVES, PairedSource
from monitor.sources.source import Source
from monitor.sources.sql.settings import SqlSettings

SourceSettings: TypeAlias = (
    FilesSettings | HttpSettings | HttpTargetsSettings | SqlSettings | KafkaSettings | ObjectsSettings | LakeSettings
)

_HALVES_BYTES = 2**16
"""How much is read at once where halves wait for each other: what waits is kept with each batch."""


@dataclass(frozen=True, slots=True)
class Where:
    """What a source is opened in.

    Attributes
    ----------
    root: what relative paths are relative to.
    spool: the folder in which what comes by HTTP waits; ``None`` where nothing is served.
    block_bytes: how much is read at once.
    at_rest: nobody writes any more, as for a replay.
    """

    root: Path
    spool: Path | None
    block_bytes: int = 4 * 2**20
    at_rest: bool = False


def open_source(settings: SourceSettings, layout: Layout, where: Where) -> Source:
    """Open a source.

    Raises
    ------
    ValueError: what comes by HTTP is to be replayed, and is kept no longer than until it is read.
    """
    if settings.type != "http" and (logged := getattr(settings, "format", None)) in PAIRED:
        events: LoggedEventSettings = getattr(settings, "events", None) or LoggedEventSettings()
        halves = replace(HALVES, dialect=dialect_of(logged, events))
        source = _opened(settings, halves, replace(where, block_bytes=min(where.block_bytes, _HALVES_BYTES)))
        return PairedSource(source, layout, events, at_rest=where.at_rest)
    return _opened(settings, _spoken(settings, layout), where)


def _spoken(settings: SourceSettings, layout: Layout) -> Layout:
    """Return a layout that knows in which dialect a source's log is written."""
    logged, events = getattr(settings, "format", None), getattr(settings, "events", None) or LoggedEventSettings()
    if not isinstance(logged, str) or not isinstance(events, LoggedEventSettings):
        return layout
    return replace(layout, dialect=dialect_of(logged, events) or layout.dialect)


def _opened(settings: SourceSettings, layout: Layout, where: Where) -> Source:
    if isinstance(settings, FilesSettings):
        return FilesSource(settings, layout, where.root, where.block_bytes, at_rest=where.at_rest)
    if isinstance(settings, SqlSettings):
        from monitor.sources.sql.source import SqlSource  # SQLAlchemy is slow to import, and few need it here

        return SqlSource(settings, layout, where.root, at_rest=where.at_rest)
    if isinstance(settings, KafkaSettings):
        return _topic(settings, layout, where)
    if isinstance(settings, ObjectsSettings | LakeSettings):
        return _stored(settings, layout, where)
    if where.spool is None or where.at_rest:
        raise ValueError("what comes by HTTP is not kept once it is read: there is nothing to replay")
    if isinstance(settings, HttpSettings):
        return HttpSource(where.spool, layout, microseconds(settings.dedup), where.block_bytes, settings.events)
    return HttpSource(where.spool, layout, 0, where.block_bytes)


def _topic(settings: KafkaSettings, layout: Layout, where: Where) -> Source:
    """Open a topic, or topics of events; few need Kafka's library here."""
    if settings.is_of_events:
        from monitor.sources.kafka.events import KafkaEvents

        return KafkaEvents(settings, layout, where.root, where.block_bytes, at_rest=where.at_rest)
    from monitor.sources.kafka.source import KafkaSource

    return KafkaSource(settings, layout, where.root, where.block_bytes, at_rest=where.at_rest)


def _stored(settings: ObjectsSettings | LakeSettings, layout: Layout, where: Where) -> Source:
    """Open what lies in a bucket or a folder; few need it here."""
    if isinstance(settings, LakeSettings):
        from monitor.sources.lake.source import LakeSource

        return LakeSource(settings, layout, where.root, where.block_bytes, at_rest=where.at_rest)
    from monitor.sources.objects.source import ObjectStoreSource

    return ObjectStoreSource(settings, layout, where.root, where.block_bytes, at_rest=where.at_rest)
