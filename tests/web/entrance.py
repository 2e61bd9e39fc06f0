"""An application whose model takes what is sent, and what it has taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from litestar.types import ASGIApp

from monitor.config.server import LimitSettings
from monitor.record import Layout
from monitor.sources.spool import stream
from monitor.sources.spool.writer import Spool, Syncer
from monitor.web import create_app
from monitor.web.doors import Door, Doors
from tests.web.asking import Answer, ask
from tests.web.sample import MODEL, OTHER, SampleView

RECORDS, TARGETS = f"/api/v1/models/{MODEL}/records", f"/api/v1/models/{MODEL}/targets"
NDJSON, JSON = "application/x-ndjson", "application/json"


class Entrance:
    """An application whose model takes records and targets, and the spools behind it."""

    def __init__(self, folder: Path, capacity: int = 2**30, limits: LimitSettings | None = None) -> None:
        self.folder, self.syncer = folder, Syncer()
        self.syncer.start()
        layouts = {
            "records": Layout("timestamp", ()),
            "targets": Layout("timestamp", (), id="request_id", needs_timestamp=False, needs_id=True),
        }
        known = {
            (MODEL, role): Door(MODEL, role, Spool(folder / role, capacity, lambda: 0), layout)
            for role, layout in layouts.items()
        }
        view = SampleView()
        self.doors = view.entrance = Doors(self.syncer, limits or LimitSettings(), known, frozenset({MODEL, OTHER}))
        self.app: ASGIApp = create_app(view)

    def send(self, body: bytes, path: str = RECORDS, **headers: str) -> Answer:
        """Send a body; NDJSON unless it is said otherwise."""
        return ask(self.app, path, "POST", body, **{"content_type": NDJSON, **headers})

    def frames(self, role: str = "records") -> list[tuple[list[Any], dict[str, int]]]:
        """Return what lies in a spool: records and counts, by request."""
        self.syncer.stop()
        found = stream.read(self.folder / role, 0, 2**20).frames
        return [([json.loads(line) for line in frame.data.splitlines()], dict(frame.rejected)) for frame in found]


def code(answer: Answer) -> tuple[int, str]:
    """Return the status and the code of a problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status, answer.json["code"]
