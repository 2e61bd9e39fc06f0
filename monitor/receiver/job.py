"""A job as Driftline asks for it: what it is about, its rows, and the way to report back."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPResponse, IncompleteRead
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from monitor.errors import MonitorError, PermanentError
from monitor.receiver.calls import CallRefused, Patience, call, report

if TYPE_CHECKING:
    import pyarrow as pa

REQUESTED: Final = "io.driftline.action.requested"
_ENVIRONMENT: Final = {
    "model": "MODEL",
    "version": "VERSION",
    "alert_id": "ALERT",
    "action_id": "ACTION",
    "action": "KIND",
    "expires_at": "EXPIRES_AT",
    "rows_url": "ROWS",
    "callback_url": "CALLBACK",
    "callback_token": "CALLBACK_TOKEN",
}
"""The parameters that jobs get, and the names of the variables that hold them, behind ``DRIFTLINE_``."""
_NEEDED = ("model", "action_id", "callback_url", "callback_token")
_OWNER_ONLY = 0o600
_WHY_LETTERS = 1000


class JobIncomplete(PermanentError):
    """What was given names no job: parameters are missing."""


class Trained(NamedTuple):
    """What a job made: the version it is served as, and of how many rows."""

    version: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One action that a job is to carry out.

    Attributes
    ----------
    kind: ``retrain`` or another action.
    version: of the model that drifted; empty if it has none.
    alert_id: ``None`` where an action is asked for by age.
    expires_at: the job reports its end by then, or the action is given up.
    rows_url: where the rows to train with are.
    fence: only rises; where a higher one was seen, do not deploy. ``None`` where it is not told.
    token: good for this action alone.
    patience: of calls to Driftline.
    """

    action_id: str
    kind: str
    model: str
    version: str
    callback_url: str = field(repr=False)
    token: str = field(repr=False)
    alert_id: str | None = None
    expires_at: str | None = None
    rows_url: str | None = field(default=None, repr=False)
    fence: int | None = None
    patience: Patience = field(default_factory=Patience, repr=False)

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Job:
        """Return the job that parameters name, such as the ``conf`` of an Airflow run or the inputs of a workflow.

        Raises
        ------
        JobIncomplete: one is missing.
        """
        told = {name: str(given[name]) for name in _ENVIRONMENT if given.get(name)}
        missing = [name for name in _NEEDED if name not in told]
        if missing:
            raise JobIncomplete(f"no {', no '.join(missing)}", "start the job by Driftline's message")
        return cls(
            action_id=told["action_id"],
            kind=told.get("action", "retrain"),
            model=told["model"],
            version=told.get("version", ""),
            callback_url=told["callback_url"],
            token=told["callback_token"],
            alert_id=told.get("alert_id"),
            expires_at=told.get("expires_at"),
            rows_url=told.get("rows_url"),
            fence=given.get("fence"),
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Job:
        """Return the job that variables name: ``DRIFTLINE_ACTION``, ``DRIFTLINE_CALLBACK`` and so on.

        Raises
        ------
        JobIncomplete: one is missing.
        """
        names = {name: f"DRIFTLINE_{variable}" for name, variable in _ENVIRONMENT.items()}
        try:
            return cls.from_parameters({name: environment.get(variable) for name, variable in names.items()})
        except JobIncomplete:
            missing = [names[name] for name in _NEEDED if not environment.get(names[name])]
            raise JobIncomplete(f"no {', no '.join(missing)} in the environment") from None

    @classmethod
    def load(cls, path: str | Path) -> Job:
        """Return a job that was saved.

        Raises
        ------
        OSError, ValueError, JobIncomplete: it cannot be read.
        """
        return cls.from_parameters(json.loads(Path(path).read_text("utf-8")))

    def save(self, path: str | Path) -> None:
        """Write the job into a file that its owner alone may read: it holds the token. It is there whole, or not."""
        kept = self.parameters() | {"fence": self.fence}
        _put(Path(path), lambda file: file.write(json.dumps(kept).encode()))

    def parameters(self) -> dict[str, str]:
        """Return the parameters as services that run jobs get them; the token is among them."""
        told = (self.model, self.version, self.alert_id, self.action_id, self.kind, self.expires_at, self.rows_url)
        return dict(zip(_ENVIRONMENT, (value or "" for value in (*told, self.callback_url, self.token)), strict=True))

    def started(self) -> None:
        """Report that the job runs; a second time does no harm.

        Raises
        ------
        CallRefused: ``action_closed``, it expired or has ended already: do not run it.
        CallFailed: Driftline cannot be reached.
        """
        report(f"{self.callback_url}/started", self.token, self.patience, {})

    def succeeded(self, version: str, rows: int | None = None) -> None:
        """Report the version that was made, once it may be served; raises as ``started``."""
        report(f"{self.callback_url}/succeeded", self.token, self.patience, {"version": version, "rows": rows})

    def failed(self, why: str) -> None:
        """Report that nothing came of it, and why, in words without data of users; raises as ``started``."""
        report(f"{self.callback_url}/failed", self.token, self.patience, {"why": why[:_WHY_LETTERS]})

    def run(self, work: Callable[[Job], Trained]) -> Trained:
        """Report ``started``, do the work, and report its end; of an exception its kind alone, which is raised on.

        Raises
        ------
        CallRefused, CallFailed: the start or the success could not be reported.
        """
        self.started()
        try:
            made = work(self)
        except Exception as error:
            with suppress(MonitorError):  # what the work raised matters more
                self.failed(f"the job ended with {type(error).__name__}")
            raise
        self.succeeded(made.version, made.rows)
        return made

    def download(self, path: str | Path) -> Path:
        """Fetch the rows to train with into a Parquet file, which is there whole, or not.

        Raises
        ------
        CallRefused: ``no_rows``, none were kept; or the action is not known any more.
        CallFailed: Driftline cannot be reached.
        """
        if self.rows_url is None:
            raise CallRefused(404, "no_rows", "the message names no rows")
        target = Path(path)
        call(
            self.rows_url,
            self.token,
            self.patience,
            lambda answer: _put(target, lambda file: _copied(answer, file)),
        )
        return target

    def table(self) -> pa.Table:
        """Return the rows to train with, in the layout of the log, with targets where known; raises as ``download``."""
        import pyarrow.parquet as pq

        with tempfile.TemporaryDirectory() as folder:
            return pq.read_table(self.download(Path(folder) / "rows.parquet"))

    def frame(self) -> Any:
        """Return the rows as ``table`` does, as a ``pandas.DataFrame``."""
        return self.table().to_pandas()


def job_of(event: Mapping[str, Any]) -> Job | None:
    """Return the job that a verified event asks for; ``None`` where it asks for none, as an alert or a test does."""
    data = event.get("data") or {}
    action, alert, links = (data.get(name) or {} for name in ("action", "alert", "links"))
    if event.get("type") != REQUESTED or action.get("status") != "requested":
        return None
    callback = action.get("callback") or {}
    return Job.from_parameters(
        {
            "model": alert.get("model"),
            "version": alert.get("version"),
            "alert_id": alert.get("id"),
            "action_id": action.get("id"),
            "action": action.get("kind"),
            "expires_at": action.get("expires_at"),
            "rows_url": links.get("rows"),
            "callback_url": callback.get("url"),
            "callback_token": callback.get("token"),
            "fence": action.get("fence"),
        }
    )


def _put(path: Path, write: Callable[[Any], Any]) -> None:
    """Write a file beside its place, and move it there once it is on disk."""
    partly = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(partly, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        partly.replace(path)
    finally:
        partly.unlink(missing_ok=True)


def _copied(answer: HTTPResponse, file: Any) -> None:
    """Copy an answer whole; of one that breaks off early the standard library says nothing when it is read in parts."""
    shutil.copyfileobj(answer, file, 1 << 20)
    if answer.length:
        raise IncompleteRead(b"", answer.length)
