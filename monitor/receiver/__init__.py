"""What a job needs that Driftline's message starts: ``from monitor.receiver import Seen, job_of, verify``.

Importing this package loads nothing but the standard library.
"""

from monitor.receiver.calls import CallFailed, CallRefused, Patience
from monitor.receiver.job import Job, JobIncomplete, Trained, job_of
from monitor.receiver.seen import Seen
from monitor.receiver.signature import NotVerified, verify

__all__ = [
    "CallFailed",
    "CallRefused",
    "Job",
    "JobIncomplete",
    "NotVerified",
    "Patience",
    "Seen",
    "Trained",
    "job_of",
    "verify",
]
