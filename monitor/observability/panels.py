"""What the dashboard shows: panels, their expressions, units and words."""

from __future__ import annotations

from monitor.observability.panel import Panel, Query, Row, number
from monitor.observability.promql import shown
from monitor.telemetry import declared as d

_WEIGHTS = {"stable": 1, "insufficient_data": 2, "failed": 3, "drifted": 4}


_SCOPE = "by (model, version)"
_LEGEND = "{{model}} {{version}}"


def _verdict() -> str:
    """Return the verdict as a number: of the four series the true one counts, with its weight."""
    terms = [f"{shown(d.VERDICT, verdict=verdict)} * {weight}" for verdict, weight in _WEIGHTS.items()]
    return f"max {_SCOPE} ({' or '.join(terms)})"


def _ratio() -> str:
    return f"{shown(d.COLUMN_DISTANCE)} / {shown(d.COLUMN_THRESHOLD)}"


def _drifted() -> str:
    """Return distance over threshold of those columns that count as drifted."""
    return f"topk(50, ({_ratio()}) and ({shown(d.COLUMN_DETECTED)} == 1))"


def _rate(metric: d.Metric) -> str:
    return f"sum by (model, source) (rate({shown(metric)}[$__rate_interval]))"


SUMMARY = Row(
    "Summary",
    (
        number(
            "Models",
            "Models with a closed window.",
            f"count(count by (model) ({shown(d.WINDOW_ROWS)}))",
            "no window yet",
        ),
        number(
            "Alerts firing",
            "Open the monitor's page: it names the columns and since when.",
            f"sum({shown(d.ALERTS, state='firing')})",
            "no window yet",
            steps=((None, "green"), (1, "red")),
        ),
        number(
            "Most drifted columns",
            "The highest share of drifted columns of any model.",
            f"max({shown(d.DRIFT_COLUMNS)})",
            "not judged yet",
            unit="percentunit",
        ),
        number(
            "Without promise",
            "Versions whose drift pages nobody. The alert DriftlineUncalibrated and the page say why.",
            f"sum(1 - {shown(d.CALIBRATED)})",
            "no window yet",
            steps=((None, "green"), (1, "orange")),
        ),
        number(
            "Messages waiting",
            "Messages that no receiver has taken yet.",
            f"sum({shown(d.DELIVERIES_PENDING)})",
            "no receiver",
            steps=((None, "green"), (1, "orange")),
        ),
        number(
            "State writable",
            "If not: the disk is full or read-only. Reading has stopped and goes on by itself.",
            f"min({shown(d.STATE_WRITABLE)})",
            "not scraped",
            names=(("0", "no", "red"), ("1", "yes", "green")),
        ),
    ),
)
DRIFT = Row(
    "Drift",
    (
        Panel(
            "states",
            "Verdict",
            "The verdict of each closed window.",
            [Query(_verdict(), _LEGEND)],
            names=(
                ("1", "stable", "green"),
                ("2", "too little data", "text"),
                ("3", "failed", "purple"),
                ("4", "drifted", "red"),
            ),
            no_value="no window yet",
        ),
        Panel(
            "lines",
            "Evidence over its threshold",
            "An alert fires at 1, with a bound on false alarms. Evidence that rises for long is worth a look before.",
            [Query(f"max {_SCOPE} ({shown(d.DRIFT_EVIDENCE)})", _LEGEND)],
            steps=((None, "green"), (1, "red")),
            line=True,
            log=True,
            no_value="not judged yet",
        ),
        Panel(
            "table",
            "Drifted columns",
            "Distance over threshold, now. The monitor's page shows how each column changed.",
            [Query(_drifted())],
            keep=(("model", "Model"), ("version", "Version"), ("column", "Column"), ("method", "Method")),
            no_value="no column has drifted",
        ),
        Panel(
            "lines",
            "Columns with the most drift",
            "The ten highest distances over their thresholds. Which ten may change from moment to moment.",
            [Query(f"topk(10, {_ratio()})", "{{model}} {{version}} {{column}}")],
            steps=((None, "green"), (1, "red")),
            line=True,
            no_value="not judged yet",
        ),
        Panel(
            "lines",
            "Rows of a window",
            "Too few rows, and a window is not judged.",
            [Query(f"max {_SCOPE} ({shown(d.WINDOW_ROWS)})", _LEGEND)],
            no_value="no window yet",
        ),
        Panel(
            "lines",
            "False alarms in 30 days",
            "What is promised, and what the replay of the reference lets expect.",
            [Query(f"max by (model, kind) ({shown(d.FALSE_ALARMS)})", "{{model}} {{kind}}")],
            no_value="not calibrated",
        ),
    ),
)
SERVICE = Row(
    "How the models are served",
    (
        Panel(
            "lines",
            "Latency",
            "Quantiles of the model's latency, window by window.",
            [Query(f"max by (model, version, stat) ({shown(d.LATENCY)})", "{{model}} {{version}} {{stat}}")],
            unit="s",
            no_value="no latency logged",
        ),
        Panel(
            "lines",
            "Budget that is left",
            "Of each objective's period. Below 0 it is overdrawn; the monitor's page says what broke it.",
            [Query(f"min by (model, version, objective) ({shown(d.OBJECTIVE_BUDGET)})", "{{model}} {{objective}}")],
            unit="percentunit",
            steps=((None, "red"), (0, "green")),
            no_value="no objective with a budget",
        ),
    ),
)
OUTCOME = Row(
    "Alerts, actions, messages",
    (
        Panel(
            "table",
            "Alerts now",
            "Every alert that is pending or firing.",
            [Query(f"({shown(d.ALERTS, state='pending')} or {shown(d.ALERTS, state='firing')}) == 1")],
            keep=(
                ("model", "Model"),
                ("version", "Version"),
                ("alert", "Alert"),
                ("severity", "Severity"),
                ("state", "State"),
            ),
            no_value="no alert",
        ),
        Panel(
            "lines",
            "Actions",
            "Retrainings asked for, withheld, done and failed, in the last hour.",
            [
                Query(
                    f"sum by (model, kind, status) (increase({shown(d.ACTIONS)}[1h]))", "{{model}} {{kind}} {{status}}"
                )
            ],
            no_value="none",
        ),
        Panel(
            "lines",
            "Messages waiting, by receiver",
            "A receiver that does not answer keeps its messages waiting; they are tried again for 18 hours.",
            [Query(f"sum by (receiver) ({shown(d.DELIVERIES_PENDING)})", "{{receiver}}")],
            no_value="no receiver",
        ),
        Panel(
            "lines",
            "Deliveries, by outcome",
            "Tries in the last hour: delivered, retried, or given up (dead).",
            [Query(f"sum by (receiver, outcome) (increase({shown(d.DELIVERIES)}[1h]))", "{{receiver}} {{outcome}}")],
            no_value="none",
        ),
    ),
)
MONITOR = Row(
    "The monitor itself",
    (
        Panel(
            "lines",
            "Records read",
            "Records a second, and those that were late.",
            [
                Query(_rate(d.RECORDS), "{{model}} {{source}} read"),
                Query(_rate(d.RECORDS_LATE), "{{model}} {{source}} late"),
            ],
            unit="reqps",
            no_value="none",
        ),
        Panel(
            "lines",
            "Records rejected, by reason",
            "Records a second that could not be read, with the reason.",
            [
                Query(
                    f"sum by (model, source, reason) (rate({shown(d.RECORDS_REJECTED)}[$__rate_interval])) > 0",
                    "{{model}} {{source}} {{reason}}",
                )
            ],
            unit="reqps",
            no_value="none",
        ),
        Panel(
            "lines",
            "Time since the last record",
            "A source that falls silent rises here.",
            [Query(f"max by (model, source) ({shown(d.SOURCE_LAG)})", "{{model}} {{source}}")],
            unit="s",
            no_value="no record yet",
        ),
        Panel(
            "lines",
            "Time a stage takes (95 %)",
            "By stage of a cycle.",
            [
                Query(
                    "histogram_quantile(0.95, sum by (le, stage) (rate("
                    f"{shown(d.CYCLE, '_bucket')}[$__rate_interval])))",
                    "{{stage}}",
                )
            ],
            unit="s",
            no_value="no cycle yet",
        ),
        Panel(
            "lines",
            "Memory and state",
            "Resident memory of the process, and the size of its state on disk.",
            [
                Query('process_resident_memory_bytes{job=~"$job"}', "{{instance}} memory"),
                Query(shown(d.STORE_BYTES), "{{instance}} state"),
            ],
            unit="bytes",
        ),
    ),
)
ROWS: tuple[Row, ...] = (SUMMARY, DRIFT, SERVICE, OUTCOME, MONITOR)
