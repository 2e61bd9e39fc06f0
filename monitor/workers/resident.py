"""A child that stays between tasks: started with the first, asked one at a time, ended when it is silent too long."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace

from monitor.workers.framing import CLOSED, received, sent
from monitor.workers.job import POOR, Failure, Limits, Task, WorkerFailed, answer_of, ended, environment, failed

IDLE_SECONDS = 600.0
"""A child that is asked nothing for so long ends, and gives back its memory."""
_PIECE_SECONDS = 1.0


class Resident:
    """One such child; used by one thread at a time, but for :meth:`stop`.

    Parameters
    ----------
    limits: of memory, and how far it stands back; that of time is each task's own.
    """

    def __init__(self, limits: Limits, idle_seconds: float = IDLE_SECONDS) -> None:
        self.limits = limits
        self._stopped = self._over = False
        self._lock = threading.Lock()
        self._channel, theirs = socket.socketpair()
        far, self._lifeline = os.pipe()
        told = {
            "channel": theirs.fileno(),
            "lifeline": far,
            "idle_seconds": idle_seconds,
            "memory_bytes": limits.memory_bytes,
            "niceness": limits.niceness,
        }
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "monitor.workers.staying", json.dumps(told)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment(),
                pass_fds=(theirs.fileno(), far),
                start_new_session=True,
            )
        except BaseException:
            self._channel.close()
            os.close(self._lifeline)
            raise
        finally:
            theirs.close()
            os.close(far)

    def fits(self, limits: Limits) -> bool:
        """Say whether it was started with such limits; that of time is each task's own."""
        return replace(limits, seconds=self.limits.seconds) == self.limits

    @property
    def over(self) -> bool:
        """Say whether it has ended, or is not to be asked any more."""
        with self._lock:  # left unreaped until its group is ended, so that its id is still its own
            return (
                self._over or os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
            )

    def ask(self, task: Task) -> bytes:
        """Return the answer to a task, within its limit of time.

        Raises
        ------
        WorkerFailed: there is none; with ``DIED`` the child was gone, perhaps before it was asked.
        """
        ends = time.monotonic() + task.limits.seconds
        try:
            self._channel.settimeout(task.limits.seconds)
            sent(self._channel, {"function": task.function, "seconds": task.limits.seconds}, task.content)
            self._channel.settimeout(max(ends - time.monotonic(), _PIECE_SECONDS))
            told, content = received(self._channel)
        except TimeoutError:
            self._end()
            over = f"took over {task.limits.seconds:g} s"
            raise failed(task, Failure.TIME_LIMIT, over, "give it fewer rows") from None
        except CLOSED:
            code = self._end()
            if self._stopped:
                raise failed(task, Failure.STOPPED, "was stopped") from None
            raise failed(task, Failure.DIED, ended(code), POOR) from None
        if not told["stays"]:
            self._end()
        answer = answer_of(task, told, content)
        if isinstance(answer, WorkerFailed):
            raise answer
        return answer

    def stop(self) -> None:
        """End the child, whatever it does; whoever waits for its answer is told so."""
        self._stopped = True
        with self._lock:
            if not self._over:
                self._kill()

    def close(self) -> None:
        """End the child and give back what it took; nobody waits for an answer."""
        self.stop()
        self._end()

    def _end(self) -> int:
        with self._lock:
            if not self._over:
                self._over = True
                self._kill()
                self._process.wait()
                self._channel.close()
                os.close(self._lifeline)
            return int(self._process.returncode)

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # also what the child may have started
