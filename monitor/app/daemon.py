"""The daemon: everything built from one config, started in order, supervised by the main thread, stopped in order."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

import structlog

from monitor import __version__
from monitor.app.actions import token_key, token_of
from monitor.app.publish import publish, publish_windows
from monitor.app.status import FACTS
from monitor.app.view import DaemonView
from monitor.app.worker import Worker
from monitor.config import Loaded, host_and_port, load_config
from monitor.dispatch import Attempt, Desk, Dispatcher
from monitor.errors import MonitorError
from monitor.instant import Instant, microseconds, to_text
from monitor.plans import model_plans
from monitor.receivers import Network
from monitor.schedule import Schedule
from monitor.store.daemon import Daemon as Heartbeat
from monitor.store.daemon import save_daemon, save_meta
from monitor.store.database import open_state
from monitor.store.retention import expire
from monitor.store.segment import remove_unnamed
from monitor.telemetry import Telemetry
from monitor.web import create_app, create_operations_app, serve
from monitor.window import NEVER

CYCLE_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
HOUSEKEEPING_SECONDS = 600.0
DRAIN_SECONDS = 5.0


def wall_clock() -> Instant:
    """Return now."""
    return time.time_ns() // 1000


class Daemon:
    """A running monitor. With ``event_clock`` nothing runs by itself: whoever holds it calls the workers (the demo).

    Raises
    ------
    ConfigError: a reference or another named file cannot be used.
    FatalError: the state is held or unreadable, or the port is taken.
    """

    def __init__(
        self,
        loaded: Loaded,
        environment: Mapping[str, str],
        *,
        event_clock: bool = False,
        clock: Callable[[], Instant] = wall_clock,
    ) -> None:
        self.loaded, self.clock = loaded, clock
        self._environment, self._event_clock = environment, event_clock
        self._log = structlog.get_logger(__name__)
        self.started, self.stopping = False, False
        self.ticked = time.monotonic()
        self._since = clock()
        self.reload_error: str | None = None
        self.outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.telemetry = Telemetry(__version__)
        self.state = open_state(loaded.config.state, loaded.root)
        self.workers: dict[str, Worker] = {}
        self._schedule = Schedule()
        self._halt = threading.Event()
        try:
            self.key = token_key(self.state)
            remove_unnamed(self.state)
            self._serve()
            self._build(loaded)
        except BaseException:
            self.close()
            raise

    def _serve(self) -> None:
        server = self.loaded.config.server
        self.view = DaemonView(self)
        self._servers = [serve(create_app(self.view), *host_and_port(server.listen))]
        if server.metrics_listen is not None:
            self._servers.append(serve(create_operations_app(self.view), *host_and_port(server.metrics_listen)))

    @property
    def url(self) -> str:
        """Return the address of the web page."""
        return self._servers[0].url

    def _build(self, loaded: Loaded) -> None:
        """Make workers and dispatchers of a config, and only then let go of those before."""
        key = self.key
        plans = model_plans(
            loaded.config, loaded.root, external_url=self.url, token=lambda action: token_of(key, action)
        )
        workers = {
            plan.name: Worker(
                plan,
                self.state,
                self.telemetry,
                self._wake,
                self.clock,
                event_clock=self._event_clock,
            )
            for plan in plans
        }
        network = Network(egress=loaded.config.server, root=loaded.root.resolve())
        desks = [
            Desk(self.state, settings, network, wall_clock, random.Random(), self._observe)  # noqa: S311 - spreads retries
            for settings in loaded.config.receivers
        ]
        self.workers, self.loaded, self.dispatcher = workers, loaded, Dispatcher(desks)

    def _wake(self, names: list[str]) -> None:
        self.dispatcher.wake(names)

    def _observe(self, attempt: Attempt) -> None:
        self.outcomes[attempt.receiver][attempt.outcome.value] += 1

    def failures(self) -> dict[str, str | None]:
        """Return why each receiver's last attempt failed."""
        return self.dispatcher.health()

    def start(self) -> None:
        """Start the threads; from now on the daemon works by itself."""
        publish_windows(self)
        self.dispatcher.start()
        self._schedule.every(HEARTBEAT_SECONDS, "heartbeat", self.heartbeat)
        if not self._event_clock:
            for name, worker in self.workers.items():
                self._schedule.every(CYCLE_SECONDS, f"cycle:{name}", worker.cycle)
            self._schedule.every(CYCLE_SECONDS, "publish", self.publish)
            self._schedule.every(HOUSEKEEPING_SECONDS, "housekeeping", self._keep_house)
        self.telemetry.config(reloaded=True)
        self.heartbeat()
        self.publish()
        self._schedule.start()
        self.started = True
        self._log.info("started", page=self.url, models=sorted(self.workers), state=str(self.state.directory))

    def tick(self) -> None:
        """Show that the supervisor lives; to be called about every second."""
        self.ticked = time.monotonic()
        jumps = self._schedule.jumps
        self._schedule.tick()
        if self._schedule.jumps > jumps:
            self._log.warning("clock_jumped")

    def publish(self) -> None:
        """Bring the page of metrics up to date; never raises."""
        try:
            publish(self)
        except MonitorError as error:
            self._log.warning("publish_failed", detail=error.message)
        self.telemetry.render()

    def heartbeat(self) -> None:
        """Keep what only a running daemon knows, for those who read the state beside it; never raises."""
        at = self.clock()
        beat = Heartbeat(os.getpid(), __version__, self.listen, self._since, at)
        facts = {
            "loaded_at": to_text(self._since),
            "models": {name: worker.facts() for name, worker in self.workers.items()},
        }
        try:
            with self.state.write() as connection:
                save_daemon(connection, beat)
                save_meta(connection, FACTS, facts)
        except MonitorError as error:
            self._log.warning("heartbeat_failed", detail=error.message)

    @property
    def listen(self) -> str:
        """Return host and port of the web page."""
        return self.url.removeprefix("http://")

    def _keep_house(self) -> None:
        retention = microseconds(self.loaded.config.state.retention)
        reached = {name: worker.pipeline.model.closed for name, worker in self.workers.items()}
        before = {name: at - retention for name, at in reached.items() if at > NEVER}
        try:
            expire(self.state, before, self.clock() - retention)
        except MonitorError as error:
            self._log.warning("housekeeping_failed", detail=error.message)

    def reload(self) -> bool:
        """Read the config again; keep the old one, and say why, if the new one does not hold."""
        try:
            loaded = load_config(self.loaded.path, self._environment)
            self._refuse_fixed(loaded)
            self._swap(loaded)
        except MonitorError as error:
            self.reload_error = error.message.partition("\n")[0]
            self.telemetry.config(reloaded=False)
            self._log.error("reload_refused", detail=error.message)
            return False
        self.reload_error = None
        self.telemetry.config(reloaded=True)
        self._log.info("reloaded", hash=loaded.hash)
        return True

    def _refuse_fixed(self, loaded: Loaded) -> None:
        old, new = self.loaded.config, loaded.config
        fixed = (
            ("server.listen", old.server.listen, new.server.listen),
            ("server.metrics_listen", old.server.metrics_listen, new.server.metrics_listen),
            ("state.directory", old.state.directory, new.state.directory),
        )
        changed = [name for name, before, after in fixed if before != after]
        if changed:
            raise MonitorError(f"{', '.join(changed)} cannot change while running", "restart the daemon")

    def _swap(self, loaded: Loaded) -> None:
        """Put new workers in the place of the old, between two cycles."""
        old, old_dispatcher = self.workers, self.dispatcher
        for worker in old.values():
            worker.stop()
        for worker in old.values():
            worker.lock.acquire()
        try:
            self._build(loaded)
        except BaseException:
            for worker in old.values():
                worker.resume()
            raise
        finally:
            for worker in old.values():
                worker.lock.release()
        for name in old:
            self._schedule.remove(f"cycle:{name}")
        for name in set(old) - set(self.workers):
            self.telemetry.forget(name)
        old_dispatcher.stop(0.0)
        self.dispatcher.start()
        for name, worker in self.workers.items():
            self._schedule.every(CYCLE_SECONDS, f"cycle:{name}", worker.cycle)

    def stop(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Stop in order: no new work, the present transactions end, what is due is sent, the state is closed."""
        self.stopping = True
        for worker in self.workers.values():
            worker.stop()
        self._schedule.stop()
        for worker in self.workers.values():
            worker.lock.acquire()
            worker.lock.release()
        self.dispatcher.stop(drain_seconds)
        self.close()
        self._log.info("stopped")

    def close(self) -> None:
        """Let go of the ports and of the state."""
        for server in getattr(self, "_servers", []):
            server.stop()
        self.state.close()
