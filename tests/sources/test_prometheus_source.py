"""The model server's own metrics: which series are meant, rates of counters, and that a sick server harms nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import ValidationError

from monitor.instant import SECOND
from monitor.sources.prometheus.kept import Kept
from monitor.sources.prometheus.scraper import Scraper
from monitor.sources.prometheus.selector import read_page, selector
from monitor.sources.prometheus.settings import PrometheusSettings
from monitor.usage import amount_figures

METRICS = {"queue": 'waiting{model="churn"}', "cpu": "cpu_seconds_total", "took": "seconds_sum"}


class Server:
    """A model server with metrics of Prometheus's own library, and whatever else it is told to answer."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.waiting = Gauge("waiting", "In the queue.", ["model", "node"], registry=self.registry)
        self.cpu = Counter("cpu_seconds", "Of all threads.", registry=self.registry)
        self.seconds = Histogram("seconds", "Of a request.", registry=self.registry)
        self.status, self.delay, self.page = 200, 0.0, b""
        made = self

        class _Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                time.sleep(made.delay)
                self.send_response(made.status)
                self.send_header("Location", "http://127.0.0.1/elsewhere")
                self.end_headers()
                self.wfile.write(made.page or generate_latest(made.registry))

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/metrics"


class Clock:
    """Stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def server() -> Iterator[Server]:
    """Lend a model server."""
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def scraper_of(server: Server, folder: Path, clock: Clock, **changed: Any) -> tuple[Scraper, Kept]:
    """Return a scraper of a server, and what it fills."""
    given = {"type": "prometheus", "url": server.url, "metrics": METRICS} | changed
    settings = PrometheusSettings.model_validate(given)
    kept = Kept(folder / "kept.jsonl", list(settings.metrics))
    return Scraper(settings, kept, clock), kept


def figures(kept: Kept) -> dict[str, tuple[Any, Any]]:
    """Return how often and how much there was of each resource, of all that is kept."""
    found = {name: amount_figures(each) for name, each in kept.between(0, 2**62).items()}
    return {name: (each["rows"], each["sum"]) for name, each in found.items()}


def test_gauges_are_added_up_and_counters_are_rates(server: Server, tmp_path: Path) -> None:
    """Series that match are added up; of a counter it is the growth a second, from the second scrape on."""
    clock = Clock()
    scraper, kept = scraper_of(server, tmp_path, clock)
    for node, waiting in (("a", 3), ("b", 4)):
        server.waiting.labels("churn", node).set(waiting)
    server.waiting.labels("other", "a").set(100)
    server.cpu.inc(50)
    scraper.scrape()
    assert figures(kept) == {"queue": (1, 7), "cpu": (0, None), "took": (0, None)}
    clock.now += 10 * SECOND
    server.cpu.inc(15)
    server.seconds.observe(2)
    scraper.scrape()
    assert figures(kept) == {"queue": (2, 14), "cpu": (1, 1.5), "took": (1, pytest.approx(0.2))}
    assert scraper.problem() is None


def test_a_counter_that_begins_anew_counts_from_zero(server: Server, tmp_path: Path) -> None:
    """A server that restarted has not used less than nothing."""
    clock = Clock()
    scraper, kept = scraper_of(server, tmp_path, clock, metrics={"cpu": "cpu_seconds_total"})
    server.cpu.inc(50)
    scraper.scrape()
    server.cpu.reset()
    server.cpu.inc(5)
    clock.now += 10 * SECOND
    scraper.scrape()
    assert figures(kept) == {"cpu": (1, 0.5)}


def test_a_stretch_has_what_was_scraped_in_it(tmp_path: Path) -> None:
    """The first instant of a stretch belongs to it, the last does not; and a restart has it again."""
    kept = Kept(tmp_path / "kept.jsonl", ["queue"])
    for at in (10, 20, 30):
        kept.add(at, {"queue": at})
    with (tmp_path / "kept.jsonl").open("a") as file:
        file.write('{"at": 40, "que')
    again = Kept(tmp_path / "kept.jsonl", ["queue"])
    assert [amount_figures(each.between(10, 30)["queue"])["sum"] for each in (kept, again)] == [30, 30]


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    """Memory and file are bounded, and the newest stay."""
    kept = Kept(tmp_path / "kept.jsonl", ["queue"], most=3)
    for at in range(20):
        kept.add(at, {"queue": 1})
    assert amount_figures(kept.between(0, 100)["queue"])["rows"] == 3
    lines = (tmp_path / "kept.jsonl").read_text().splitlines()
    assert len(lines) <= 6
    assert json.loads(lines[-1])["at"] == 19


@pytest.mark.parametrize(
    ("changed", "settings", "why"),
    [
        ({"status": 302}, {}, "answered with 302"),
        ({"status": 503}, {}, "answered with 503"),
        ({"delay": 0.5}, {"timeout": "200ms"}, "no answer within 0.2 s"),
        ({"page": b"# " + b"x" * 2000}, {"max_body": "1KiB"}, "its page has more than 1024 bytes (max_body)"),
        ({"page": b"waiting \xff\n"}, {}, "its page is not UTF-8"),
        ({"page": b"waiting{model= 1\n"}, {}, "its page cannot be read (ValueError)"),
        ({"page": b'waiting{model="churn"} NaN\n'}, {}, "says nothing of cpu, queue, took"),
    ],
    ids=["redirect", "unavailable", "slow", "large", "encoding", "syntax", "NaN"],
)
def test_a_sick_server_is_told_of(
    server: Server, tmp_path: Path, changed: dict[str, Any], settings: dict[str, Any], why: str
) -> None:
    """Whatever a server answers, nothing is raised, nothing is kept, and the trouble is told."""
    for name, value in changed.items():
        setattr(server, name, value)
    scraper, kept = scraper_of(server, tmp_path, Clock(), **settings)
    scraper.scrape()
    assert scraper.problem() == f"{server.url}: {why}"
    assert {rows for rows, _ in figures(kept).values()} == {0}


def test_a_server_that_is_away_is_told_of(server: Server, tmp_path: Path) -> None:
    """Where nobody listens, it is said."""
    server.url = "http://127.0.0.1:9/metrics"
    scraper, _ = scraper_of(server, tmp_path, Clock())
    scraper.scrape()
    assert scraper.problem() == "http://127.0.0.1:9/metrics: Connection refused"


def test_it_scrapes_at_its_interval_until_it_is_stopped(server: Server, tmp_path: Path) -> None:
    """A thread scrapes at once and then ever again; stopped, it does no more."""
    scraper, kept = scraper_of(server, tmp_path, Clock(), metrics={"queue": "waiting"}, every="1s")
    server.waiting.labels("churn", "a").set(2)
    scraper.start()
    end = time.monotonic() + 10
    while figures(kept)["queue"][0] < 2 and time.monotonic() < end:
        time.sleep(0.02)
    scraper.stop()
    assert figures(kept) == {"queue": (2, 4)}


def test_lines_that_nobody_asks_for_are_not_read() -> None:
    """A page may hold what Prometheus's parser refuses, elsewhere."""
    page = "torn{ 5\n# HELP up x\n# TYPE up gauge\nup 1\nupper 7\n"
    assert {name: found.values for name, found in read_page(page, {"up": selector("up")}).items()} == {"up": {(): 1.0}}


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "ftp://127.0.0.1/metrics"},
        {"url": "http://user:secret@127.0.0.1/metrics"},
        {"url": "http://127.0.0.1:99999/metrics"},
        {"metrics": {}},
        {"metrics": {"Queue": "waiting"}},
        {"metrics": {"queue": "waiting{model=churn}"}},
        {"metrics": {"queue": "sum(waiting)"}},
        {"every": "100ms"},
    ],
    ids=["scheme", "user", "port", "no metric", "name", "label", "expression", "every"],
)
def test_settings_that_cannot_be_are_refused(changed: dict[str, Any]) -> None:
    """An address, a name or a selector that is none is a fault of the config."""
    good = {"type": "prometheus", "url": "http://127.0.0.1:8000/metrics", "metrics": METRICS}
    assert PrometheusSettings.model_validate(good).metrics == METRICS
    with pytest.raises(ValidationError):
        PrometheusSettings.model_validate(good | changed)
