"""Logs of other products to read in tests: one call of each, as their manuals have it, and a reader."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.record import Column, Kind, Layout, Role
from monitor.sources.batch import Batch
from monitor.sources.dialects.settings import LoggedEventSettings
from monitor.sources.files import FilesSettings
from monitor.sources.opening import Where, open_source
from monitor.sources.position import Position
from monitor.sources.source import Source

LAYOUT = Layout(
    "timestamp",
    (
        Column("age", "inputs.age", Role.FEATURE, Kind.NUMERIC),
        Column("plan", "inputs.plan", Role.FEATURE, Kind.CATEGORICAL),
        Column("prediction", "prediction", Role.PREDICTION, Kind.NUMERIC),
    ),
    id="request_id",
    version="model_version",
    latency="latency_ms",
    error="error",
)
TARGETS = Layout(
    "timestamp",
    (Column("target", "target", Role.TARGET, Kind.NUMERIC),),
    id="request_id",
    needs_timestamp=False,
    needs_id=True,
)
AT = "2026-11-21T22:00:06Z"
JsonObject = dict[str, Any]

SAGEMAKER: JsonObject = {
    "captureData": {
        "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "34,gold\n", "encoding": "CSV"},
        "endpointOutput": {
            "observedContentType": "text/csv; charset=utf-8",
            "mode": "OUTPUT",
            "data": "0.07",
            "encoding": "CSV",
        },
    },
    "eventMetadata": {"eventId": "e-1", "inferenceId": "r-1", "customAttributes": ["tenant=eu"], "inferenceTime": AT},
    "eventVersion": "0",
}
TRUTH: JsonObject = {
    "groundTruthData": {"data": "1", "encoding": "CSV"},
    "eventMetadata": {"eventId": "r-1"},
    "eventVersion": "0",
}
BENTOML: JsonObject = {
    "age": 34,
    "plan": "gold",
    "prediction": 0.07,
    "timestamp": "2026-11-21T22:00:06",
    "request_id": "r-1",
    "trace_id": "0",
}
DATABRICKS: JsonObject = {
    "databricks_request_id": "5c1e-77",
    "client_request_id": "r-1",
    "request_time": AT,
    "status_code": 200,
    "sampling_fraction": 1.0,
    "execution_duration_ms": 12,
    "request": json.dumps({"dataframe_split": {"columns": ["age", "plan"], "data": [[34, "gold"]]}}),
    "response": json.dumps({"predictions": [0.07], "databricks_output": {"databricks_request_id": "5c1e-77"}}),
    "served_entity_id": "churn-7",
    "logging_error_codes": [],
}
_SOURCE = (
    "/subscriptions/0/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
    "/onlineEndpoints/churn/deployments/blue"
)
AZURE_INPUTS: JsonObject = {
    "specversion": "1.0",
    "id": "a-1",
    "source": _SOURCE,
    "type": "azureml.inference.model_inputs",
    "datacontenttype": "application/json",
    "time": AT,
    "data": [{"age": 34, "plan": "gold"}],
    "correlationid": "r-1",
    "modelversion": "default",
    "agent": "azureml-ai-monitoring/1.0.0",
}
AZURE_OUTPUTS: JsonObject = AZURE_INPUTS | {
    "id": "a-2",
    "type": "azureml.inference.model_outputs",
    "data": [{"prediction": 0.07}],
}


def blob(part: str, body: Any, **other: Any) -> JsonObject:
    """Return what KServe's logger writes of a request or a response."""
    return {
        "bytes": base64.b64encode(json.dumps(body).encode()).decode(),
        "contentType": "application/json",
        "reqType": f"org.kubeflow.serving.inference.{part}",
        "id": "r-1",
        "inferenceService": "churn",
        "namespace": "ml",
        "component": "predictor",
        "metadata": {},
        "occurrenceTime": AT,
    } | other


KSERVE_REQUEST = blob("request", {"instances": [{"age": 34, "plan": "gold"}]})
KSERVE_RESPONSE = blob("response", {"predictions": [0.07]})

WHOLE: Mapping[str, Sequence[JsonObject]] = {
    "sagemaker": [SAGEMAKER],
    "bentoml": [BENTOML],
    "databricks": [DATABRICKS],
    "azure": [AZURE_INPUTS, AZURE_OUTPUTS],
    "kserve": [KSERVE_REQUEST, KSERVE_RESPONSE],
}
"""What one call becomes in the log of each."""
NAMES = LoggedEventSettings(features=("age", "plan"), outputs=("prediction",))


def changed(line: Mapping[str, Any], path: str, value: Any) -> JsonObject:
    """Return a line with another value at a dotted path; without it for ``...``."""
    made = copy.deepcopy(dict(line))
    *above, last = path.split(".")
    holder = made
    for step in above:
        holder = holder[step]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return made


def text(lines: Iterable[Mapping[str, Any] | bytes]) -> bytes:
    """Return lines of a file."""
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of a log."""

    rows: list[JsonObject]
    refused: list[str]


def source(root: Path, format_: Any, layout: Layout = LAYOUT, *, at_rest: bool = True, **settings: Any) -> Source:
    """Open all that lies in a folder as a log in a format."""
    events, block = settings.pop("events", NAMES), settings.pop("block_bytes", 2**22)
    files = FilesSettings(path="**/*.*", format=format_, events=events, **settings)
    return open_source(files, layout, Where(root, None, block, at_rest=at_rest))


def drained(from_: Source, positions: dict[str, Position]) -> list[Batch]:
    """Read to the end, and keep the positions as the store does."""
    found = []
    while (batch := from_.read(positions)) is not None:
        positions[batch.file] = Position.from_json(json.loads(json.dumps(batch.position.to_json())))
        found.append(batch)
        assert len(found) < 1000
    return found


def told(batches: Iterable[Batch]) -> Found:
    """Return what batches hold."""
    kept = list(batches)
    rows = [row for batch in kept for row in batch.table.to_pylist()]
    return Found(rows, [str(fault.reason) for batch in kept for fault in batch.rejected])


def read(root: Path, format_: Any, layout: Layout = LAYOUT, **settings: Any) -> Found:
    """Read all that lies in a folder."""
    opened = source(root, format_, layout, **settings)
    try:
        return told(drained(opened, {}))
    finally:
        opened.close()
