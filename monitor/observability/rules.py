"""Alert rules for Prometheus: what the models say, and whether the monitor itself is well.

Drift is judged in the monitor, with a bound on false alarms; the rules carry that verdict on and judge nothing
again. The others watch the monitor.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from monitor.observability.promql import series
from monitor.telemetry import declared as d

_HEAD = """\
# Alert rules for Prometheus, written by `driftline rules`. Change the generator, not this file.
"""
_IDLE_SECONDS = 7_200.0


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert rule.

    Attributes
    ----------
    vector: what is looked at; it has a value while all is well, unless it starts with ``absent``.
    condition: what must hold of it for the alert to fire; empty where the vector says so itself.
    hold: for how long, as Prometheus writes it; ``0s`` is at once.
    severity: ``None`` where the series bring their own.
    """

    alert: str
    vector: str
    condition: str
    hold: str
    severity: str | None
    summary: str
    description: str

    @property
    def expression(self) -> str:
        """Return the PromQL of the rule."""
        return f"{self.vector} {self.condition}".strip()


@dataclass(frozen=True, slots=True)
class Idle:
    """How long the records of a model may be silent; ``model`` is ``None`` for all of them."""

    model: str | None = None
    seconds: float = _IDLE_SECONDS


@dataclass(frozen=True, slots=True)
class Promise:
    """An objective of a model, as the config gives it.

    Attributes
    ----------
    name: as the label ``objective`` has it.
    pairs: the long and the short window as the label ``over`` has them, the burn rate and the severity; none where it
        has no budget.
    hold: for how long it is broken before it is told, where it has no budget.
    """

    model: str
    name: str
    pairs: tuple[tuple[str, str, float, str], ...]
    hold: str


def rules(idle: Iterable[Idle] = (Idle(),), promises: Iterable[Promise] = ()) -> list[Rule]:
    """Return every rule; silence of sources and objectives are judged by model, as the config gives them."""
    return [*_of_models(), *_of_promises(list(promises)), _silent(list(idle)), *_of_the_monitor()]


def to_yaml(listed: Iterable[Rule], page: str | None = None) -> str:
    """Write rules as a file for Prometheus.

    Parameters
    ----------
    page: what links to the web page start with, or ``None`` for no links.
    """
    lines = [_HEAD + "groups:", "  - name: driftline", "    rules:"]
    for rule in listed:
        lines += _rule_lines(rule, page)
    return "\n".join(lines) + "\n"


def _rule_lines(rule: Rule, page: str | None) -> Iterator[str]:
    yield f"      - alert: {rule.alert}"
    yield f"        expr: {_quoted(rule.expression)}"
    if rule.hold != "0s":
        yield f"        for: {rule.hold}"
    if rule.severity is not None:
        yield f"        labels: {{severity: {rule.severity}}}"
    yield "        annotations:"
    yield f"          summary: {_quoted(rule.summary)}"
    yield f"          description: {_quoted(rule.description)}"
    if page is not None:
        path = "/models/{{ $labels.model }}" if "$labels.model" in rule.summary else "/"
        yield f"          page: {_quoted(page + path)}"


def _quoted(text: str) -> str:
    """Write a text as a YAML scalar on one line, with as few escapes as it can do with."""
    return "'" + text.replace("'", "''") + "'" if '"' in text else json.dumps(text, ensure_ascii=False)


def _of_models() -> Iterator[Rule]:
    yield Rule(
        "DriftlineAlertFiring",
        series(d.ALERTS, state="firing"),
        "== 1",
        "0s",
        None,
        "{{ $labels.alert }} of {{ $labels.model }}{{ with $labels.version }}, version {{ . }}{{ end }}",
        "The monitor holds this alert to be firing; it resolves it by itself. Its page names the columns.",
    )
    yield Rule(
        "DriftlineVerdictFailed",
        series(d.VERDICT, verdict="failed"),
        "== 1",
        "0s",
        "warning",
        "No judgement on {{ $labels.model }}{{ with $labels.version }}, version {{ . }}{{ end }}",
        "No column of the last window could be judged. The window's page says why.",
    )
    yield Rule(
        "DriftlineUncalibrated",
        str(d.CALIBRATION_WHY),
        "== 1",
        "1h",
        "warning",
        "No false-alarm promise for {{ $labels.model }}{{ with $labels.version }}, version {{ . }}{{ end }}",
        "Its drift pages nobody, for the reason {{ $labels.why }}. `driftline check` and the page say what helps.",
    )


def _of_promises(promises: Sequence[Promise]) -> Iterator[Rule]:
    """Return a rule for each severity of burning, and one for objectives without a budget."""
    for severity, alert in (("critical", "DriftlineObjectiveBurnsFast"), ("warning", "DriftlineObjectiveBurns")):
        terms = [_burns(each, pair) for each in promises for pair in each.pairs if pair[3] == severity]
        if terms:
            yield Rule(
                alert,
                " or ".join(terms),
                "",
                "0s",
                severity,
                "{{ $labels.model }}: the budget of '{{ $labels.objective }}' burns {{ $value }} times too fast",
                "Burn rates over a long and a short window at once, as in Google's SRE workbook, chapter 5.",
            )
    for hold in sorted({each.hold for each in promises if not each.pairs}):
        named = [each for each in promises if not each.pairs and each.hold == hold]
        terms = [series(d.OBJECTIVE_BROKEN, model=each.model, objective=each.name) + " == 1" for each in named]
        yield Rule(
            f"DriftlineObjectiveBroken{hold}",
            " or ".join(terms),
            "",
            hold,
            "warning",
            "{{ $labels.model }} does not keep '{{ $labels.objective }}'",
            "The figure's 95 % interval lies outside the allowed range in every window of that time.",
        )


def _burns(promise: Promise, pair: tuple[str, str, float, str]) -> str:
    long, short, rate, _ = pair
    label = {"model": promise.model, "objective": promise.name}
    over = [f"{series(d.OBJECTIVE_BURN_RATE, **label, over=each)} >= {rate:g}" for each in (long, short)]
    return over[0] if long == short else f"({over[0]} and ignoring(over) {over[1]})"


def _silent(idle: Sequence[Idle]) -> Rule:
    """Return one rule for all models: promtool refuses two of one name."""
    lags = [_lag(each.model) for each in idle]
    bounds = [f"> {each.seconds:g}" for each in idle]
    each_its_own = " or ".join(f"{lag} {bound}" for lag, bound in zip(lags, bounds, strict=True))
    return Rule(
        "DriftlineSourceSilent",
        lags[0] if len(idle) == 1 else each_its_own,
        bounds[0] if len(idle) == 1 else "",
        "5m",
        "warning",
        "No record of {{ $labels.model }} for {{ $value | humanizeDuration }}",
        "The model is not called, it does not log, or its log cannot be read. The page and /readyz say which.",
    )


def _lag(model: str | None) -> str:
    only = {} if model is None else {"model": model}
    return series(d.SOURCE_LAG, source="records", **only)


def _of_the_monitor() -> Iterator[Rule]:
    yield Rule(
        "DriftlineAbsent",
        f"absent({d.BUILD_INFO})",
        "",
        "5m",
        "critical",
        "No monitor is being scraped",
        "Nobody watches the models: the daemon does not run, or Prometheus does not reach it.",
    )
    yield Rule(
        "DriftlineStalled",
        f"time() - {d.LAST_EVALUATION}",
        "> 300",
        "5m",
        "critical",
        "{{ $labels.model }} has not been looked at for {{ $value | humanizeDuration }}",
        "The daemon runs, but its work on this model fails or hangs. The log says why.",
    )
    yield Rule(
        "DriftlineStateNotWritable",
        str(d.STATE_WRITABLE),
        "== 0",
        "2m",
        "critical",
        "{{ $labels.instance }} cannot write its state",
        "The disk is full or read-only. Reading has stopped and goes on by itself; no record is lost meanwhile.",
    )
    yield from _of_its_messages()
    yield from _of_its_input()


def _of_its_messages() -> Iterator[Rule]:
    yield Rule(
        "DriftlineDeliveriesDead",
        f"increase({series(d.DELIVERIES, outcome='dead')}[1h])",
        "> 0",
        "0s",
        "warning",
        "{{ $labels.receiver }} did not get a message",
        "A message was given up after its last try, or refused for good. The monitor's page shows why.",
    )
    yield Rule(
        "DriftlineDeliveriesPending",
        str(d.DELIVERIES_PENDING),
        "> 0",
        "30m",
        "warning",
        "{{ $value }} messages have waited for {{ $labels.receiver }}",
        "The receiver does not answer, or refuses for now. The page shows the last failure.",
    )


def _of_its_input() -> Iterator[Rule]:
    yield Rule(
        "DriftlineRecordsRejected",
        f"sum without (reason) (rate({d.RECORDS_REJECTED}[15m])) / rate({d.RECORDS}[15m])",
        "> 0.1",
        "15m",
        "warning",
        "{{ $value | humanizePercentage }} of the {{ $labels.source }} of {{ $labels.model }} are rejected",
        f"The label reason of {d.RECORDS_REJECTED} says why.",
    )
    yield Rule(
        "DriftlineConfigReloadFailed",
        str(d.CONFIG_RELOADED),
        "== 0",
        "5m",
        "warning",
        "{{ $labels.instance }} still runs the config from before",
        "The new config has a fault: `driftline check` names it.",
    )
    yield Rule(
        "DriftlineSeriesDropped",
        f"increase({d.SERIES_DROPPED}[1h])",
        "> 0",
        "0s",
        "info",
        "{{ $labels.instance }} leaves series out",
        "There are more columns than the cap on series holds; those with the least drift are left out.",
    )
    yield Rule(
        "DriftlineMetricsStale",
        f"increase({d.SCRAPE_ERRORS}[15m])",
        "> 0",
        "0s",
        "warning",
        "{{ $labels.instance }} serves an old page of metrics",
        "The page could not be rendered, and the last good one is served. The log says why.",
    )
