"""Scrapes a model server in a thread of its own: windows never wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from monitor.instant import SECOND, Instant
from monitor.sources.prometheus.kept import Kept
from monitor.sources.prometheus.page import PageUnread, fetch
from monitor.sources.prometheus.selector import Found, Series, read_page, selector
from monitor.sources.prometheus.settings import PrometheusSettings


class Scraper:
    """Fills a :class:`Kept`.

    Parameters
    ----------
    clock: now, which a sample is kept under.
    """

    def __init__(self, settings: PrometheusSettings, kept: Kept, clock: Callable[[], Instant]) -> None:
        self._settings, self._kept, self._clock = settings, kept, clock
        self._wanted = {name: selector(text) for name, text in settings.metrics.items()}
        self._before: dict[str, Mapping[Series, float]] = {}
        self._before_at: Instant | None = None
        self._trouble: str | None = None
        self._stop: threading.Event | None = None

    def start(self) -> None:
        """Scrape from now on; nothing where it does already."""
        if self._stop is None:
            self._stop = threading.Event()
            threading.Thread(target=self._run, args=(self._stop,), name="driftline-scrape", daemon=True).start()

    def stop(self) -> None:
        """Scrape no more; one that is under way is not waited for."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    def problem(self) -> str | None:
        """Say why the last scrape gave less than was asked for; ``None`` if all is well."""
        return self._trouble

    def _run(self, stop: threading.Event) -> None:
        every = self._settings.every.total_seconds()
        due = time.monotonic()
        while not stop.wait(max(due - time.monotonic(), 0.0)):
            self.scrape()
            due = max(due + every, time.monotonic())

    def scrape(self) -> None:
        """Scrape once; never raises."""
        try:
            self._trouble = self._scrape()
        except PageUnread as error:
            self._trouble = f"{self._settings.url}: {error}"
        except OSError as error:
            self._trouble = f"what was scraped is not kept over a restart: {error.strerror or type(error).__name__}"
        except Exception as error:  # noqa: BLE001 - the edge: of a page that Prometheus's parser does not read, too
            self._trouble = f"{self._settings.url}: its page cannot be read ({type(error).__name__})"

    def _scrape(self) -> str | None:
        settings = self._settings
        page = fetch(settings.url, settings.timeout.total_seconds(), settings.max_body)
        found, at = read_page(page, self._wanted), self._clock()
        values = {name: sum(each.values.values()) for name, each in found.items() if not each.grows}
        values |= self._rates({name: each for name, each in found.items() if each.grows}, at)
        if values:
            self._kept.add(at, values)
        missing = sorted(self._wanted.keys() - found.keys())
        return f"{settings.url}: says nothing of {', '.join(missing)}" if missing else None

    def _rates(self, growing: Mapping[str, Found], at: Instant) -> dict[str, float]:
        """Return how much counters grew a second since the last scrape; one that fell began anew from 0."""
        before, seconds = self._before, 0.0 if self._before_at is None else (at - self._before_at) / SECOND
        self._before, self._before_at = {name: found.values for name, found in growing.items()}, at
        if seconds <= 0:
            return {}
        rates = {}
        for name, found in growing.items():
            known = [(value, before[name][key]) for key, value in found.values.items() if key in before.get(name, {})]
            if known:
                rates[name] = sum(now - then if now >= then else now for now, then in known) / seconds
        return rates
