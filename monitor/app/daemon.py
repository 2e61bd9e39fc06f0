"""The daemon: everything built from one config, started in order, supervised by the main thread, stopped in order."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable, Mapping

import structlog

from monitor import __version__
from monitor.app.actions import token_key, token_of
from monitor.app.auditing import note_changes
from monitor.app.lean import give_back
from monitor.app.misfits import column_faults, reference_faults
from monitor.app.publish import publish, publish_windows
from monitor.app.reloading import refuse_fixed
from monitor.app.running import Running
from monitor.app.status import FACTS
from monitor.app.view import DaemonView
from monitor.app.worker import Worker
from monitor.config import Loaded, host_and_port, load_config
from monitor.dispatch import Attempt, Desk, Dispatcher
from monitor.errors import ConfigError, Fault, MonitorError, PermanentError
from monitor.incidents.rounds import make_rounds
from monitor.instant import Instant, microseconds, to_text
from monitor.pipeline.plan import ModelPlan
from monitor.plans import model_plans, policy_of
from monitor.receivers import Network
from monitor.schedule import Pool, Schedule
from monitor.store.daemon import Daemon as Heartbeat
from monitor.store.daemon import save_daemon, save_meta
from monitor.store.database import open_state
from monitor.store.retention import expire
from monitor.store.segment import remove_unnamed
from monitor.telemetry import Telemetry
from monitor.web import Server, create_app, create_operations_app, serve
from monitor.window import NEVER

CYCLE_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
TRIM_SECONDS = 60.0
HOUSEKEEPING_SECONDS = 3600.0
DRAIN_SECONDS = 5.0
JOBS_SECONDS = 1.0


def wall_clock() -> Instant:
    """Return now."""
    return time.time_ns() // 1000


class Daemon:
    """A running monitor. With ``event_clock`` nothing runs by itself: whoever holds it calls the workers (the demo).

    Parameters
    ----------
    environment: what ``${NAME}`` may stand for when the config is read again.
    learn_secrets: is told the secrets of a config that is read again, so that no log shows them.

    Raises
    ------
    ConfigError: references cannot be used, or the config names columns that they do not have.
    MonitorError: the state is held or unreadable, or the port is taken.
    """

    def __init__(
        self,
        loaded: Loaded,
        environment: Mapping[str, str],
        *,
        event_clock: bool = False,
        learn_secrets: Callable[[Iterable[str]], None] | None = None,
    ) -> None:
        self._environment, self._event_clock, self._learn_secrets = environment, event_clock, learn_secrets
        self._log = structlog.get_logger(__name__)
        self._schedule = Schedule()
        self._servers: list[Server] = []
        self._since = self._loaded_at = wall_clock()
        state = open_state(loaded.config.state, loaded.root)
        try:
            remove_unnamed(state)
            self.running = Running(loaded, state, Telemetry(__version__), wall_clock, token_key(state))
            self.view = DaemonView(self.running)
            self._serve()
            self._build(loaded)
        except BaseException:
            self._close_servers()
            if hasattr(self, "running"):
                self.running.spools.stop()
            state.close()
            raise

    def _serve(self) -> None:
        server = self.running.loaded.config.server
        self._servers.append(serve(create_app(self.view), *host_and_port(server.listen)))
        if server.metrics_listen is not None:
            self._servers.append(serve(create_operations_app(self.view), *host_and_port(server.metrics_listen)))

    @property
    def url(self) -> str:
        """Return the address of the web page."""
        return self._servers[0].url

    def _build(self, loaded: Loaded) -> None:
        """Make workers and dispatchers of a config; those before stay until all of it holds."""
        running, key = self.running, self.running.key
        plans = model_plans(
            loaded.config, loaded.root, external_url=self.url, token=lambda action: token_of(key, action)
        )
        workers = self._workers(loaded, plans)
        running.spools.refresh(loaded, plans)
        network = Network(egress=loaded.config.server, root=loaded.root.resolve())
        desks = [
            Desk(running.state, settings, network, wall_clock, random.Random(), self._observe)  # noqa: S311 - jitter
            for settings in loaded.config.receivers
        ]
        running.workers, running.loaded, running.dispatcher = workers, loaded, Dispatcher(desks)

    def _workers(self, loaded: Loaded, plans: Iterable[ModelPlan]) -> dict[str, Worker]:
        """Return a worker a model, by name.

        Raises
        ------
        ConfigError: what does not fit the references, of all models.
        """
        workers: dict[str, Worker] = {}
        faults: list[Fault] = []
        for place, plan in enumerate(plans):
            self.running.ticked = time.monotonic()  # a large reference takes seconds to compile
            try:
                worker = workers[plan.name] = self._worker(plan)
            except PermanentError as error:
                faults += reference_faults(loaded, place, plan, error)
                continue
            for judge in worker.judges():
                faults += column_faults(loaded, place, plan, judge)
        if faults:
            raise ConfigError(list(dict.fromkeys(faults)))
        return workers

    def _worker(self, plan: ModelPlan) -> Worker:
        running = self.running
        parts = running.state, running.telemetry, self._wake, running.clock
        return Worker(plan, *parts, event_clock=self._event_clock, children=running.children)

    def _wake(self, names: list[str]) -> None:
        self.running.dispatcher.wake(names)

    def _observe(self, attempt: Attempt) -> None:
        self.running.outcomes[attempt.receiver][attempt.outcome.value] += 1

    def start(self) -> None:
        """Start the threads; from now on the daemon works by itself."""
        running = self.running
        publish_windows(running)
        running.dispatcher.start()
        self._schedule.every(HEARTBEAT_SECONDS, "heartbeat", self.heartbeat)
        if not self._event_clock:
            self._schedule_workers()
            self._schedule.every(CYCLE_SECONDS, "rounds", self.rounds)
            self._schedule.every(CYCLE_SECONDS, "publish", self.publish)
            self._schedule.every(TRIM_SECONDS, "trim", give_back)
            self._schedule.every(HOUSEKEEPING_SECONDS, "housekeeping", self._keep_house)
        running.telemetry.config(reloaded=True)
        self.heartbeat()
        self.publish()
        self._schedule.start()
        running.started = True
        self._log.info("started", page=self.url, models=sorted(running.workers), state=str(running.state.directory))

    def _schedule_workers(self) -> None:
        for name, worker in self.running.workers.items():
            self._schedule.every(CYCLE_SECONDS, f"cycle:{name}", worker.cycle, pool=Pool.WORK)

    def tick(self) -> None:
        """Show that the supervisor lives; to be called about every second."""
        self.running.ticked = time.monotonic()
        if self._schedule.tick():
            self.running.unsettle()

    def publish(self) -> None:
        """Bring the page of metrics up to date; never raises."""
        try:
            publish(self.running)
        except MonitorError as error:
            self._log.warning("publish_failed", detail=error.message)
        self.running.telemetry.render()

    def rounds(self) -> None:
        """Tell what nothing withholds any more, send digests, and escalate; never raises."""
        running = self.running
        try:
            self._wake(make_rounds(running.state, policy_of(running.loaded.config, self.url), running.clock()))
        except MonitorError as error:
            self._log.warning("rounds_failed", detail=error.message)

    def heartbeat(self) -> None:
        """Keep what only a running daemon knows, for those who read the state beside it; never raises."""
        running = self.running
        listen = self.url.removeprefix("http://")
        beat = Heartbeat(os.getpid(), __version__, listen, self._since, running.clock())
        try:
            facts = {
                "loaded_at": to_text(self._loaded_at),
                "reload_error": running.reload_error,
                "models": {name: worker.facts() for name, worker in running.workers.items()},
            }
            with running.state.write() as connection:
                save_daemon(connection, beat)
                save_meta(connection, FACTS, facts)
                note_changes(connection, running, to_text(self._loaded_at))
        except MonitorError as error:
            self._log.warning("heartbeat_failed", detail=error.message)

    def _keep_house(self) -> None:
        running = self.running
        retention = microseconds(running.loaded.config.state.retention)
        reached = {name: worker.pipeline.model.closed for name, worker in running.workers.items()}
        answers = {name: worker.pipeline.model.asked_from for name, worker in running.workers.items()}
        before = {name: at - retention for name, at in reached.items() if at > NEVER}
        try:
            expire(running.state, before, running.clock() - retention, answers)
        except MonitorError as error:
            self._log.warning("housekeeping_failed", detail=error.message)

    def reload(self) -> bool:
        """Read the config again; keep the old one, and say why, if the new one does not hold."""
        running = self.running
        try:
            loaded = load_config(running.loaded.path, self._environment)
            if self._learn_secrets is not None:
                self._learn_secrets(loaded.secrets)
            refuse_fixed(running.loaded, loaded)
            self._swap(loaded)
        except MonitorError as error:
            running.reload_error = error.message.partition("\n")[0]
            running.telemetry.config(reloaded=False)
            self._log.error("reload_refused", detail=error.message)
            self.heartbeat()
            return False
        running.reload_error, self._loaded_at = None, wall_clock()
        running.telemetry.config(reloaded=True)
        self._log.info("reloaded", hash=loaded.hash)
        self.heartbeat()
        return True

    def _swap(self, loaded: Loaded) -> None:
        """Put new workers in the place of the old, between two of their cycles."""
        old, before, receivers = self.running.workers, self.running.dispatcher, _receivers(self.running.loaded)
        for worker in old.values():
            worker.pause()
        try:
            self._build(loaded)
        except BaseException:
            for worker in old.values():
                worker.resume()
            raise
        for name in old:
            self._schedule.remove(f"cycle:{name}")
        for name in set(old) - set(self.running.workers):
            self.running.telemetry.forget(name)
        for name in receivers - _receivers(loaded):
            self.running.telemetry.forget_receiver(name)
        before.stop(0.0)
        self.running.dispatcher.start(after=before)
        self._schedule_workers()

    def stop(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Stop in order: no new work, the present transactions end, what is due is sent, the state is closed."""
        running = self.running
        running.stop_work()
        self._schedule.stop()
        for worker in running.workers.values():
            worker.pause()
        running.dispatcher.stop(drain_seconds)
        self._close_servers()
        running.spools.stop()
        self._schedule.wait(JOBS_SECONDS)
        self.heartbeat()
        running.state.close()
        self._log.info("stopped")

    def hasten(self) -> None:
        """Have a stop wait for no receiver any more; safe in a signal's handler."""
        self.running.dispatcher.stop(0.0)

    def _close_servers(self) -> None:
        for server in self._servers:
            server.stop()


def _receivers(loaded: Loaded) -> set[str]:
    return {settings.name for settings in loaded.config.receivers}
