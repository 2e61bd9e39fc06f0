"""A receiver that retrains: takes Driftline's message, and works through the jobs it asks for, one at a time.

    python receive.py PORT SIGNING_SECRET_FILE [DIRECTORY]

A message is answered once its job is safe on disk, so a crash at any moment loses no job and starts none twice: what
is unfinished is taken up again at the next start. Put your training into ``train``.
"""

import logging
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from monitor.errors import MonitorError
from monitor.receiver import Job, NotVerified, Seen, Trained, job_of, verify

LOG = logging.getLogger("retraining")
BODY_BYTES = 64_000  # a message has at most 20,000


def train(job: Job) -> Trained:
    """Train on the rows, write the new version's reference, deploy it, and say which it is."""
    rows = job.table()  # pyarrow; job.frame() for pandas, job.download(path) for a Parquet file
    LOG.info("training %s on %d rows with %s", job.model, rows.num_rows, rows.column_names)
    version = str(int(job.version or 0) + 1)  # however you name versions
    # Here: train, test on rows held back, write references/{version}.parquet, and deploy only then.
    return Trained(version, rows.num_rows)


def work(waiting: "queue.SimpleQueue[Path]") -> None:
    """Do one job after the other; its file goes once its end was reported, or no report of it is wanted."""
    while True:
        path = waiting.get()
        try:
            made = Job.load(path).run(train)
            LOG.info("version %s is served", made.version)
        except MonitorError as error:
            LOG.warning("%s", error)  # such as an action that expired meanwhile
        except Exception:
            LOG.exception("the job failed")  # and was reported as failed
        path.unlink()


class Receiver(BaseHTTPRequestHandler):
    """Takes messages. The server holds what they need."""

    timeout = 30  # seconds for a request that comes slowly

    def do_POST(self) -> None:
        """Answer 401 to what is not Driftline's, else 204 once the job is safe."""
        server = self.server
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_BYTES:
            self.send_error(413)
            return
        try:
            event = verify(self.rfile.read(int(length)), dict(self.headers), server.secrets)
        except NotVerified as error:
            LOG.warning("refused: %s", error)
            self.send_error(401)
            return
        job = job_of(event)
        with server.seen.once(event["id"]) as is_new:
            if is_new and job is not None:
                path = server.jobs / f"{job.action_id}.json"
                job.save(path)
                server.waiting.put(path)
        self.send_response(204)  # also for a repeat: it is done
        self.end_headers()


class Server(ThreadingHTTPServer):
    """The receiver on loopback, its secrets, and its jobs."""

    daemon_threads = True

    def __init__(self, port: int, secrets: list[str], directory: Path) -> None:
        self.secrets = secrets
        self.jobs = directory / "jobs"
        self.jobs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.seen = Seen(directory / "seen.db")
        self.waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for path in sorted(self.jobs.glob("*.json")):
            self.waiting.put(path)
        super().__init__(("127.0.0.1", port), Receiver)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # A line each: two while the secret changes.
    server = Server(int(sys.argv[1]), Path(sys.argv[2]).read_text().split(), Path(*sys.argv[3:4]))
    threading.Thread(target=work, args=(server.waiting,), daemon=True).start()
    server.serve_forever()
