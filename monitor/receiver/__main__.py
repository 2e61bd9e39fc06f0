"""Reports on a job from a shell: ``python -m monitor.receiver started``, with the job in ``DRIFTLINE_…`` variables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from monitor.errors import MonitorError
from monitor.receiver import Job, JobIncomplete

_FAULTY, _FATAL = 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked for and return the exit code: 2 for what is missing, 3 for what Driftline did not take."""
    given = _parser().parse_args(arguments)
    try:
        _do(Job.from_environment(), given)
    except JobIncomplete as error:
        return _say(str(error), _FAULTY)
    except (MonitorError, OSError) as error:
        return _say(str(error), _FATAL)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monitor.receiver", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("started", help="report that the job runs")
    succeeded = steps.add_parser("succeeded", help="report what it made")
    succeeded.add_argument("--version", required=True, help="the version that is served from now on")
    succeeded.add_argument("--rows", type=int, help="of how many rows it was made")
    failed = steps.add_parser("failed", help="report that nothing came of it")
    failed.add_argument("why", help="in words without data of users")
    rows = steps.add_parser("rows", help="fetch the rows to train with")
    rows.add_argument("-o", "--output", required=True, help="the Parquet file to write")
    return parser


def _do(job: Job, given: argparse.Namespace) -> None:
    if given.step == "started":
        job.started()
    elif given.step == "succeeded":
        job.succeeded(given.version, given.rows)
    elif given.step == "failed":
        job.failed(given.why)
    else:
        job.download(given.output)


def _say(text: str, code: int) -> int:
    sys.stderr.write(f"{text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
