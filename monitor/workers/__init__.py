"""Child processes for what is heavy: a function of bytes is run with limits of time and memory, and nothing leaks in.

The daemon itself never holds pandas, scikit-learn or Evidently: a child loads them, answers and is gone.
``Workers().call(model, Task("module:function", content, "what is done"))`` waits for the answer; ``submit`` returns a
job that is polled.
"""

from __future__ import annotations

from monitor.workers.job import Failure, Job, Limits, Task, WorkerFailed
from monitor.workers.packing import pack, unpack
from monitor.workers.pool import WorkerBusy, Workers

__all__ = ["Failure", "Job", "Limits", "Task", "WorkerBusy", "WorkerFailed", "Workers", "pack", "unpack"]
