"""Every Prometheus metric, declared once: its name, what it is, its labels and what it means.

Rules and dashboards write these constants into their expressions, so that none names a metric that is not
exposed. A metric is declared when something measures it, and not before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

PREFIX = "driftline_"
SEGMENT = "segment"
"""The label of what is of one segment; what is of all rows does not have it."""


class MetricType(StrEnum):
    """What Prometheus calls the type of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One declaration.

    Attributes
    ----------
    name: as exposed, a counter with its ``_total``.
    labels: their names, in the order in which values are given.
    per_column: a series a column: these give way first when the cap on series is reached.
    buckets: the upper bounds of a histogram's buckets, rising, without infinity.
    by_segment: it also has series with the label ``segment``, where segments are configured.
    """

    name: str
    type: MetricType
    labels: tuple[str, ...]
    help: str
    per_column: bool = False
    buckets: tuple[float, ...] = ()
    by_segment: bool = False

    def __str__(self) -> str:
        """Return the name, so that an f-string of PromQL reads as PromQL."""
        return self.name

    @property
    def sample_names(self) -> tuple[str, ...]:
        """Return the names under which Prometheus stores the series."""
        if self.type is MetricType.HISTOGRAM:
            return tuple(f"{self.name}{suffix}" for suffix in ("_bucket", "_count", "_sum"))
        return (self.name,)

    @property
    def weight(self) -> int:
        """Return how many series one set of label values makes: +Inf, count and sum come to the buckets."""
        return len(self.buckets) + 3 if self.type is MetricType.HISTOGRAM else 1


def _counter(name: str, labels: str, text: str) -> Metric:
    return Metric(PREFIX + name, MetricType.COUNTER, tuple(labels.split()), text)


def _gauge(name: str, labels: str, text: str) -> Metric:
    return Metric(PREFIX + name, MetricType.GAUGE, tuple(labels.split()), text)


def _segmented(name: str, labels: str, text: str) -> Metric:
    return replace(_gauge(name, labels, text), by_segment=True)


def _column(name: str, text: str) -> Metric:
    labels = ("model", "version", "column", "method")
    return Metric(f"{PREFIX}column_drift_{name}", MetricType.GAUGE, labels, text, per_column=True)


RECORDS = _counter("records_total", "model source", "Records read, whatever became of them.")
RECORDS_REJECTED = _counter("records_rejected_total", "model source reason", "Records refused, by reason.")
RECORDS_LATE = _counter("records_late_total", "model source", "Records that came after their window had closed.")
RECORDS_SAMPLED = _counter("records_sampled_total", "model source", "Records kept by the sampling rate.")

WINDOW_END = _gauge("window_end_timestamp_seconds", "model version", "End of the last closed window, in event time.")
WINDOW_ROWS = _segmented("window_rows", "model version", "Records in the last closed window.")

COLUMN_DISTANCE = _column("distance", "How far the column lies from the reference, in the method's own unit.")
COLUMN_P_VALUE = _column("p_value", "Probability of such a distance without drift; absent where the method has none.")
COLUMN_THRESHOLD = _column("threshold", "The distance from which the column counts as drifted in this window.")
COLUMN_DETECTED = _column("detected", "1 if the column drifted, 0 if it was judged and did not.")

COLUMNS_FAILED = _counter("columns_failed_total", "model version why", "Columns of windows that failed, by reason.")
DRIFT_COLUMNS = _segmented("drift_columns_ratio", "model version", "Share of the judged columns that drifted.")
DRIFT_DETECTED = _segmented(
    "drift_detected", "model version", "1 if the window drifted, 0 if it is stable, else absent."
)
DRIFT_EVIDENCE = _segmented(
    "drift_evidence_ratio", "model version", "Evidence of drift over its threshold; fires at 1."
)
CALIBRATED = _segmented("calibrated", "model version", "1 if the false-alarm promise holds for the reference.")
CALIBRATION_WHY = _gauge(
    "calibration_why", "model version why", "Why the false-alarm promise does not hold: the reason is 1, the others 0."
)
REFERENCE_OVERDUE = _gauge(
    "reference_overdue_seconds",
    "model version",
    "How long a reference that follows the stream has been due to be made anew; 0 while it is not.",
)
VERDICT = _segmented(
    "verdict", "model version verdict", "The verdict of the last closed window is 1, the others are 0."
)
FALSE_ALARMS = _gauge("false_alarms_per_30d", "model kind", "False alarms in 30 days: promised, and expected.")
ALERTS = _segmented("alerts", "model version alert severity state", "The state of the alert is 1, the others are 0.")

PERFORMANCE = _segmented(
    "performance", "model version metric kind", "Realised in the newest window with targets; estimated in the last one."
)
PERFORMANCE_LOWER = _segmented("performance_lower", "model version metric kind", "Lower end of its 95 % band.")
PERFORMANCE_UPPER = _segmented("performance_upper", "model version metric kind", "Upper end of its 95 % band.")
TARGETS_COVERAGE = _segmented(
    "targets_coverage_ratio", "model version", "Share of the rows of the newest window with targets that have one."
)
TARGETS_UNREADABLE = _gauge(
    "targets_unreadable_ratio",
    "model version",
    "Share of that window's targets of a class that the model does not know.",
)
TARGETS_BEFORE_RECORD = _gauge(
    "targets_before_record_ratio",
    "model version",
    "Share of that window's targets that are dated before their record, of those that say when.",
)
SCORES_IMPROPER = _gauge(
    "scores_improper_ratio",
    "model version",
    "Share of that window's rows with a target whose scores are no probabilities: outside [0, 1], or not summing to 1.",
)
TARGET_LAG = _gauge(
    "target_lag_seconds", "model version stat", "How long after their records the targets of that window were known."
)
FAIRNESS = _gauge(
    "fairness_difference",
    "model version metric column",
    "Worst difference between groups, as known of the newest window.",
)
VERSION_DIFFERENCE = _gauge(
    "version_difference",
    "model version figure",
    "The version's mean less that of the version it is held against; of latency their ratio.",
)
VERSION_DIFFERENCE_LOWER = _gauge(
    "version_difference_lower", "model version figure", "Lower end of its interval, which holds at all times at once."
)
VERSION_DIFFERENCE_UPPER = _gauge("version_difference_upper", "model version figure", "Upper end of that interval.")
VERSION_VERDICT = _gauge(
    "version_verdict", "model version figure verdict", "What is said of the difference is 1, the others are 0."
)
VERSION_ROWS_NEEDED = _gauge(
    "version_rows_needed", "model version figure", "Records still needed until the difference seen would show."
)
TARGETS_CHANGED = _counter("targets_changed_total", "model", "Targets other than what was known of their record.")
QUALITY = Metric(
    f"{PREFIX}quality_violations",
    MetricType.GAUGE,
    ("model", "version", "column", "check"),
    "How the data of the last closed window violates what is expected of it; absent where it does not.",
    per_column=True,
)

LATENCY = _gauge("latency_seconds", "model version stat", "Quantiles of the model's latency in the last closed window.")

ERRORS = _gauge("errors_ratio", "model version", "Share of the records of the last closed window with an error.")
RESOURCE = _gauge("resource", "model version resource stat", "What inferences of the last closed window used or cost.")
FRESHNESS = _gauge("freshness_seconds", "model version", "Age of the newest record when the last window ended.")

OBJECTIVE_BROKEN = _gauge(
    "objective_broken", "model version objective", "1 if the last closed step broke the objective, 0 if it kept it."
)
OBJECTIVE_BURN_RATE = _gauge(
    "objective_burn_rate", "model version objective over", "How many times too fast the objective's budget is used up."
)
OBJECTIVE_BUDGET = _gauge(
    "objective_budget_left_ratio",
    "model version objective",
    "Share of the objective's budget that is left; below 0: overdrawn.",
)

ALERTS_WITHHELD = _segmented(
    "alerts_withheld", "model version alert severity why", "1 while messages of the firing alert are withheld."
)
NOTIFICATIONS_WITHHELD = _counter(
    "notifications_withheld_total", "model reason", "Messages about alerts that a receiver was not sent, by reason."
)
SILENCES = _gauge("silences", "everything", "Silences that are active: those that match every alert, and the others.")

DELIVERIES = _counter("deliveries_total", "receiver outcome", "Tries to deliver a message, by outcome.")
DELIVERIES_PENDING = _gauge("deliveries_pending", "receiver", "Messages that wait to be delivered.")
ACTIONS = _counter("actions_total", "model kind status", "Actions that reached a status.")
RETRAIN_SUPPRESSED = _counter(
    "retrain_suppressed_total", "model reason", "Decisions to withhold a retraining, by reason."
)
RECOVERIES = _counter(
    "recoveries_total", "model outcome", "Retrainings that succeeded, by whether their version recovered."
)
CALLBACKS_REFUSED = _counter("callbacks_refused_total", "reason", "Words of jobs that were refused, by reason.")

SOURCE_LAG = _gauge("source_lag_seconds", "model source", "Wall time since a record was last accepted.")
LAST_EVALUATION = _gauge(
    "last_evaluation_timestamp_seconds", "model", "When the model was last looked at without a fault, in wall time."
)
CYCLE = Metric(
    f"{PREFIX}cycle_seconds",
    MetricType.HISTOGRAM,
    ("stage",),
    "Time that a stage of a cycle took.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
STORE_BYTES = _gauge("store_bytes", "", "Size of the state on disk.")
AUDIT_ENTRIES = _gauge("audit_entries", "", "Number of the audit's last entry; it never falls.")
STATE_WRITABLE = _gauge("state_writable", "", "1 if the state can be written.")
CONFIG_RELOADED = _gauge("config_last_reload_successful", "", "1 if the config on disk is the one in use.")
BUILD_INFO = _gauge("build_info", "version python", "Always 1; the labels say what runs.")
SERIES_DROPPED = _counter("series_dropped_total", "", "Series left out of an update because of the cap on series.")
SCRAPE_ERRORS = _counter("scrape_errors_total", "", "Pages that could not be rendered; the last good one was served.")

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
WINDOW_METRICS: tuple[Metric, ...] = (
    WINDOW_END, WINDOW_ROWS, COLUMN_DISTANCE, COLUMN_P_VALUE, COLUMN_THRESHOLD, COLUMN_DETECTED,
    DRIFT_COLUMNS, DRIFT_DETECTED, DRIFT_EVIDENCE, CALIBRATED, CALIBRATION_WHY, VERDICT, QUALITY, LATENCY,
    ERRORS, RESOURCE, FRESHNESS, OBJECTIVE_BROKEN, OBJECTIVE_BURN_RATE, OBJECTIVE_BUDGET,
    VERSION_DIFFERENCE, VERSION_DIFFERENCE_LOWER, VERSION_DIFFERENCE_UPPER, VERSION_VERDICT, VERSION_ROWS_NEEDED,
)  # fmt: skip
