"""Everyone who plays: the first model, its server, the retraining job and the monitor, all started."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from ruamel.yaml import YAML

from monitor.demo.data import load_flights
from monitor.demo.job import RetrainingJob
from monitor.demo.model import Model, held_out_scores, roc_auc, train, write_reference
from monitor.demo.monitoring import Monitor, OpenMonitor
from monitor.demo.retraining import Retrained
from monitor.demo.serve import Server
from monitor.demo.setup import Folder, template, write_config
from monitor.instant import from_text

TRAINED_UNTIL = from_text("2013-04-01T04:00:00Z")
"""Midnight in New York: what leaves later is served, what left before was learnt from."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The players.

    Attributes
    ----------
    first: version 1, kept to be asked what it would have said.
    reference_auc: of version 1 on days that were held out.
    needed: targets that a retraining waits for.
    """

    first: Model
    reference_auc: float | None
    server: Server
    job: RetrainingJob
    monitor: Monitor
    needed: int


def raise_curtain(
    folder: Folder, port: int, open_monitor: OpenMonitor, deploy: Callable[[Retrained], None], stack: ExitStack
) -> Cast:
    """Train version 1, and start the server, the job and the monitor; the stack stops them."""
    past, future = _split(load_flights())
    first = train(past, "1")
    scores = held_out_scores(past)
    write_reference(folder.path / "references" / "1.parquet", past, "1", scores)
    server = Server(future, folder.path)
    server.deploy(first)
    job = stack.enter_context(RetrainingJob(folder.secret, folder.path, deploy))
    monitor = open_monitor(write_config(folder.path, port, job.url))
    stack.callback(monitor.close)
    return Cast(first, roc_auc(past, scores), server, job, monitor, needed_targets())


def needed_targets() -> int:
    """Return ``retrain.min_targets`` of the demo's config."""
    written = YAML(typ="safe").load(template())
    needed: int = written["models"][0]["retrain"]["min_targets"]
    return needed


def _split(flights: pa.Table) -> tuple[pa.Table, pa.Table]:
    past = pc.less(flights["timestamp"], TRAINED_UNTIL)
    return flights.filter(past), flights.filter(pc.invert(past))
