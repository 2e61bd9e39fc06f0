"""What Prometheus is told: declared names, honest values, a page that always parses."""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Iterator
from shutil import which
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import Metric as Exposed
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_open_metrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open_metrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from monitor.telemetry import METRICS, Telemetry
from monitor.telemetry.declared import CYCLE

OPEN_METRICS = "application/openmetrics-text;version=1.0.0"
COLUMN = {
    "name": "temp",
    "role": "feature",
    "kind": "numeric",
    "verdict": "drifted",
    "why": "distance_over_threshold",
    "method": "jensen_shannon",
    "distance": 0.31,
    "p_value": None,
    "threshold": 0.08,
}
WINDOW = {
    "kind": "window",
    "schema": 1,
    "id": "flight-delay~1~20130701T090000Z~20130701T100000Z",
    "model": "flight-delay",
    "version": "1",
    "start": "2013-07-01T09:00:00Z",
    "end": "2013-07-01T10:00:00Z",
    "rows": 1180,
    "verdict": "drifted",
    "why": "evidence_over_threshold",
    "calibrated": True,
    "calibration_why": None,
    "evidence": 812.4,
    "evidence_threshold": 720.0,
    "columns_judged": 15,
    "columns_drifted": 3,
    "columns": [COLUMN],
    "quality_violations": [
        {"column": "temp", "check": "missing", "value": 0.31, "lower": 0.0, "upper": 0.04},
        {"column": None, "check": "duplicates", "value": 0.02, "lower": 0.0, "upper": 0.01},
    ],
    "performance": [],
    "latency_seconds": {"p50": 0.003, "p95": 0.008, "p99": None},
    "compared": {
        "figures": [
            {
                "figure": "loss",
                "verdict": "better",
                "value": -0.03,
                "lower": -0.05,
                "upper": -0.01,
                "rows_needed": 0,
            }
        ]
    },
    "errors_ratio": 0.02,
    "resources": {"tokens": {"rows": 5, "sum": 40.0, "mean": 8.0, "p50": 8.0, "p95": None, "p99": None}},
    "freshness_seconds": 12.5,
    "objectives": [
        {
            "objective": "error_rate at most 1%",
            "broken": True,
            "burn_rates": [{"over_seconds": 3600.0, "rate": 2.0}, {"over_seconds": 259_200.0, "rate": None}],
            "budget_left_ratio": -0.5,
        }
    ],
}
ALERT = {"model": "flight-delay", "version": "1", "name": "drift", "severity": "warning", "state": "firing"}
SCOPE = {"model": "flight-delay", "version": "1"}


class Broken(Collector):
    """A collector that fails from its second reading on."""

    def __init__(self) -> None:
        self.readings = 0

    def collect(self) -> Iterator[Exposed]:
        self.readings += 1
        if self.readings > 1:
            fail()
        yield from ()


def fail() -> NoReturn:
    """Stand for a collector that cannot read."""
    raise OSError("no /proc here")


@pytest.fixture
def telemetry() -> Telemetry:
    """Return one without the metrics of the process."""
    return Telemetry("0.1.0", further=())


FAILED = {**COLUMN, "name": "dewp", "method": "evidently:ks", "verdict": "failed", "why": "time_limit"}


def window(**changes: Any) -> dict[str, Any]:
    """Return a window with some keys changed."""
    return {**copy.deepcopy(WINDOW), **changes}


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    """Return the value of a series, None if it is absent."""
    return telemetry.registry.get_sample_value(name, labels)


def text(telemetry: Telemetry, accept: str = "") -> str:
    """Render the page and return it."""
    telemetry.render()
    return telemetry.page(accept).body.decode()


def series(page: str) -> int:
    """Count the series of a page."""
    return sum(not line.startswith("#") for line in page.splitlines())


def test_a_window_shows_its_end_rows_and_evidence(telemetry: Telemetry) -> None:
    """A closed window is on the page with its end in seconds, its rows and its evidence over the threshold."""
    telemetry.window(WINDOW)
    assert value(telemetry, "driftline_window_end_timestamp_seconds", **SCOPE) == 1_372_672_800
    assert value(telemetry, "driftline_window_rows", **SCOPE) == 1180
    assert value(telemetry, "driftline_drift_evidence_ratio", **SCOPE) == pytest.approx(812.4 / 720.0)
    assert value(telemetry, "driftline_drift_columns_ratio", **SCOPE) == pytest.approx(0.2)


def test_a_window_shows_what_of_its_data_violates_what_is_expected(telemetry: Telemetry) -> None:
    """A violation is shown with its value until a window has none; one of the table has no column."""
    telemetry.window(WINDOW)
    name = "driftline_quality_violations"
    assert value(telemetry, name, **SCOPE, column="temp", check="missing") == pytest.approx(0.31)
    assert value(telemetry, name, **SCOPE, column="", check="duplicates") == pytest.approx(0.02)
    telemetry.window(WINDOW | {"quality_violations": []})
    assert value(telemetry, name, **SCOPE, column="temp", check="missing") is None


def test_a_window_shows_the_quantiles_of_latency_that_it_has(telemetry: Telemetry) -> None:
    """What is known of the model's latency is shown in seconds; what is not known is absent."""
    telemetry.window(WINDOW)
    assert value(telemetry, "driftline_latency_seconds", **SCOPE, stat="p95") == pytest.approx(0.008)
    assert value(telemetry, "driftline_latency_seconds", **SCOPE, stat="p99") is None


def test_a_window_shows_how_the_model_is_served(telemetry: Telemetry) -> None:
    """Errors, resources and freshness have a series each; a figure that is unknown is absent."""
    telemetry.window(WINDOW)
    assert value(telemetry, "driftline_errors_ratio", **SCOPE) == 0.02
    assert value(telemetry, "driftline_freshness_seconds", **SCOPE) == 12.5
    assert value(telemetry, "driftline_resource", **SCOPE, resource="tokens", stat="sum") == 40
    assert value(telemetry, "driftline_resource", **SCOPE, resource="tokens", stat="p95") is None


def test_a_window_shows_its_objectives(telemetry: Telemetry) -> None:
    """Whether it is broken, how fast its budget burns over each window, and what is left of it."""
    telemetry.window(WINDOW)
    of = {**SCOPE, "objective": "error_rate at most 1%"}
    assert value(telemetry, "driftline_objective_broken", **of) == 1
    assert value(telemetry, "driftline_objective_burn_rate", **of, over="1h") == 2
    assert value(telemetry, "driftline_objective_burn_rate", **of, over="3d") is None
    assert value(telemetry, "driftline_objective_budget_left_ratio", **of) == -0.5


@pytest.mark.parametrize("verdict", ["stable", "drifted", "insufficient_data", "failed"])
def test_all_four_verdicts_are_shown_and_one_is_true(telemetry: Telemetry, verdict: str) -> None:
    """Every verdict has its series, and only the true one is 1."""
    telemetry.window(window(verdict=verdict))
    shown = {
        each: value(telemetry, "driftline_verdict", **SCOPE, verdict=each)
        for each in ("stable", "drifted", "insufficient_data", "failed")
    }
    assert shown == {each: float(each == verdict) for each in shown}


@pytest.mark.parametrize(("verdict", "shown"), [("stable", 0.0), ("insufficient_data", None), ("failed", None)])
def test_unknown_is_never_shown_as_no_drift(telemetry: Telemetry, verdict: str, shown: float | None) -> None:
    """A window without a judgement has no ``drift_detected`` at all."""
    telemetry.window(window(verdict=verdict))
    assert value(telemetry, "driftline_drift_detected", **SCOPE) == shown


def test_a_column_shows_what_is_known_of_it(telemetry: Telemetry) -> None:
    """A distance is shown beside its threshold, and a p-value that does not exist is absent."""
    telemetry.window(WINDOW)
    labels = {**SCOPE, "column": "temp", "method": "jensen_shannon"}
    assert value(telemetry, "driftline_column_drift_distance", **labels) == 0.31
    assert value(telemetry, "driftline_column_drift_threshold", **labels) == 0.08
    assert value(telemetry, "driftline_column_drift_detected", **labels) == 1
    assert value(telemetry, "driftline_column_drift_p_value", **labels) is None


def test_the_next_window_takes_the_place_of_the_last(telemetry: Telemetry) -> None:
    """A column that the next window does not judge leaves the page."""
    telemetry.window(WINDOW)
    telemetry.window(window(columns=[], quality_violations=[]))
    assert 'column="temp"' not in text(telemetry)


def test_a_retired_version_leaves_the_page(telemetry: Telemetry) -> None:
    """Forgetting a version removes all of its series and none of another's."""
    telemetry.window(WINDOW)
    telemetry.window(window(version="2"))
    telemetry.alerts([ALERT])
    telemetry.forget("flight-delay", "1")
    page = text(telemetry)
    assert 'version="1"' not in page
    assert 'version="2"' in page


def test_a_model_out_of_the_config_leaves_the_page(telemetry: Telemetry) -> None:
    """Forgetting a model removes its counters too."""
    telemetry.window(WINDOW)
    telemetry.records("flight-delay", "records", read=5, rejected={})
    telemetry.forget("flight-delay")
    telemetry.alerts([])
    assert "flight-delay" not in text(telemetry)


def test_a_receiver_out_of_the_config_leaves_the_page(telemetry: Telemetry) -> None:
    """Forgetting a receiver removes its counters."""
    telemetry.deliveries("team", outcomes={"dead": 1}, pending=2)
    telemetry.forget_receiver("team")
    assert "team" not in text(telemetry)


def test_every_state_of_an_alert_is_shown(telemetry: Telemetry) -> None:
    """The state an alert is in is 1, the three others are 0."""
    telemetry.alerts([ALERT])
    labels = {**SCOPE, "alert": "drift", "severity": "warning"}
    states = ("inactive", "pending", "firing", "resolved")
    assert [value(telemetry, "driftline_alerts", **labels, state=state) for state in states] == [0, 0, 1, 0]


def test_a_calm_model_shows_an_inactive_alert(telemetry: Telemetry) -> None:
    """A model that was judged and has no alert says so, rather than nothing."""
    telemetry.window(WINDOW)
    telemetry.alerts([])
    labels = {**SCOPE, "alert": "drift", "severity": "warning"}
    assert value(telemetry, "driftline_alerts", **labels, state="inactive") == 1


def test_the_alert_of_a_segment_stands_beside_that_of_the_whole(telemetry: Telemetry) -> None:
    """A segment's alert has the label segment, and hides nothing of the whole's."""
    telemetry.alerts([ALERT, {**ALERT, "state": "pending", "segment": "carrier=UA"}])
    labels = {**SCOPE, "alert": "drift", "severity": "warning"}
    assert value(telemetry, "driftline_alerts", **labels, state="firing") == 1
    assert value(telemetry, "driftline_alerts", **labels, state="firing", segment="carrier=UA") == 0
    assert value(telemetry, "driftline_alerts", **labels, state="pending", segment="carrier=UA") == 1


def test_a_window_shows_its_segments_until_the_next(telemetry: Telemetry) -> None:
    """Each segment has the verdict's series with its label, and none once a window lacks it."""
    part = {"segment": "carrier=UA", "rows": 310, "verdict": "drifted", "calibration_why": None, "columns_judged": 4}
    part |= {"columns_drifted": 1, "evidence": 9.0, "evidence_threshold": 3.0}
    telemetry.window(window(segments=[part]))
    assert value(telemetry, "driftline_drift_evidence_ratio", **SCOPE, segment="carrier=UA") == 3
    assert value(telemetry, "driftline_verdict", **SCOPE, verdict="drifted", segment="carrier=UA") == 1
    telemetry.window(window(segments=[]))
    assert "carrier=UA" not in text(telemetry)


def test_counters_go_on_from_the_totals_of_the_state(telemetry: Telemetry) -> None:
    """A process that starts with durable totals shows them as they are."""
    telemetry.records("m", "records", read=120_000, rejected={"json_syntax": 1}, late=2, sampled=100)
    labels = {"model": "m", "source": "records"}
    assert value(telemetry, "driftline_records_total", **labels) == 120_000
    assert value(telemetry, "driftline_records_rejected_total", **labels, reason="json_syntax") == 1
    assert value(telemetry, "driftline_records_rejected_total", **labels, reason="torn") == 0


@given(totals=st.lists(st.integers(0, 10**9), min_size=1))
def test_a_counter_never_falls(totals: list[int]) -> None:
    """Whatever totals come, a counter shows the highest so far."""
    telemetry = Telemetry("0.1.0", further=())
    for total in totals:
        telemetry.actions("m", {("retrain", "requested"): total})
    labels = {"model": "m", "kind": "retrain", "status": "requested"}
    assert value(telemetry, "driftline_actions_total", **labels) == max(totals)


def test_stages_are_counted_in_cumulative_buckets(telemetry: Telemetry) -> None:
    """A bucket holds what is at most its bound, and the last one holds everything."""
    for seconds in (0.001, 0.02, 100.0):
        telemetry.stage("read", seconds)
    bounds = [*map(str, CYCLE.buckets), "+Inf"]
    counts = [value(telemetry, "driftline_cycle_seconds_bucket", stage="read", le=bound) for bound in bounds]
    assert counts == [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3]
    assert value(telemetry, "driftline_cycle_seconds_sum", stage="read") == pytest.approx(100.021)


def test_a_lag_that_is_unknown_is_absent(telemetry: Telemetry) -> None:
    """A source that never accepted a record has no lag, not a lag of zero."""
    telemetry.source_lag("m", "records", 3.1)
    telemetry.source_lag("m", "records", None)
    assert "driftline_source_lag_seconds" not in text(telemetry)


def test_the_page_is_what_the_client_library_writes(telemetry: Telemetry) -> None:
    """Rendering family by family gives the same bytes as the client library gives for the whole registry."""
    fill(telemetry)
    telemetry.render()
    assert telemetry.page().body == generate_latest(telemetry.registry)
    opened = generate_open_metrics(telemetry.registry)  # type: ignore[no-untyped-call]
    assert telemetry.page(OPEN_METRICS).body == opened


def test_a_family_is_rendered_again_when_it_changed(telemetry: Telemetry) -> None:
    """The page follows every update, also one that only removes."""
    fill(telemetry)
    telemetry.render()
    telemetry.forget("flight-delay")
    telemetry.render()
    assert telemetry.page().body == generate_latest(telemetry.registry)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html", "text/plain; version=0.0.4; charset=utf-8"),
        (OPEN_METRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
def test_the_reader_chooses_the_format(telemetry: Telemetry, accept: str, media_type: str) -> None:
    """OpenMetrics is given to those who ask for it, the text format to all others."""
    assert telemetry.page(accept).content_type == media_type


@given(name=st.text(), version=st.text(), reason=st.text())
def test_no_name_blanks_the_page(name: str, version: str, reason: str) -> None:
    """Any text as a name, lone surrogates included, leaves a page that both parsers read whole."""
    telemetry = Telemetry("0.1.0", further=())
    telemetry.window(window(version=version, columns=[{**COLUMN, "name": name, "method": reason}]))
    telemetry.records("m", "records", read=1, rejected={reason: 1})
    expected = series(text(telemetry))
    page = telemetry.page().body.decode()
    assert sum(len(family.samples) for family in text_string_to_metric_families(page)) == expected
    opened = telemetry.page(OPEN_METRICS).body.decode()
    families: list[Exposed] = list(parse_open_metrics(opened))  # type: ignore[no-untyped-call]
    assert sum(len(family.samples) for family in families) == expected
    assert opened.endswith("# EOF\n")


@pytest.mark.skipif(which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize("name", ["temp", "\ud800", 'a"b\\c\nd', "\x00\r\x1b[31m", "\u202e", "é" * 500])
def test_promtool_accepts_the_page(telemetry: Telemetry, name: str) -> None:
    """Promtool finds no fault and no bad name on a full page, whatever a column is called."""
    fill(telemetry)
    telemetry.window(window(columns=[{**COLUMN, "name": name, "p_value": 1e-9}]))
    command = ["promtool", "check", "metrics"]
    done = subprocess.run(command, input=text(telemetry), capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_long_names_stay_apart(telemetry: Telemetry) -> None:
    """Names that differ only after 128 characters are two series, each with a label of at most 128."""
    columns = [{**COLUMN, "name": "x" * 200 + end} for end in "ab"]
    telemetry.window(window(columns=columns))
    families = {family.name: family for family in text_string_to_metric_families(text(telemetry))}
    names = {sample.labels["column"] for sample in families["driftline_column_drift_distance"].samples}
    assert sorted(map(len, names)) == [128, 128]


def test_the_cap_holds_and_what_it_drops_is_counted() -> None:
    """With 20,000 columns there are never more series than the cap, and the missing ones are counted exactly."""
    telemetry = Telemetry("0.1.0", cap=1_000, further=())
    count = 20_000
    telemetry.window(window(columns=[{**COLUMN, "name": f"c{number}"} for number in range(count)]))
    page = text(telemetry)
    kept = sum(line.startswith("driftline_column_") for line in page.splitlines())
    assert series(page) <= 1_000
    assert value(telemetry, "driftline_series_dropped_total") == 3 * count - kept


def test_columns_give_way_to_the_verdict() -> None:
    """A model with more columns than the cap holds hides neither another model nor the monitor's health."""
    telemetry = Telemetry("0.1.0", cap=1_000, further=())
    telemetry.window(window(columns=[{**COLUMN, "name": f"c{number}"} for number in range(2_000)]))
    telemetry.window(window(model="other", columns=[]))
    telemetry.state(bytes_on_disk=1, writable=True)
    assert value(telemetry, "driftline_verdict", model="other", version="1", verdict="drifted") == 1
    assert value(telemetry, "driftline_state_writable") == 1


def test_the_first_columns_of_a_window_are_kept() -> None:
    """Columns come by their share of the drift, so under the cap it is the calm ones that go."""
    telemetry = Telemetry("0.1.0", cap=100, further=())
    telemetry.window(window(columns=[{**COLUMN, "name": f"c{number}"} for number in range(200)]))
    page = text(telemetry)
    assert 'column="c0"' in page
    assert 'column="c199"' not in page


def test_a_page_that_cannot_be_rendered_leaves_the_last_good_one() -> None:
    """When a collector fails, the old page is served and the failure is counted."""
    telemetry = Telemetry("0.1.0", further=(Broken(),))
    before = telemetry.page().body
    telemetry.window(WINDOW)
    telemetry.render()
    assert telemetry.page().body == before
    assert value(telemetry, "driftline_scrape_errors_total") == 1


def test_the_process_is_shown_beside_the_models() -> None:
    """The page tells the memory of the process, by the client library's own names."""
    assert "process_resident_memory_bytes" in Telemetry("0.1.0").page().body.decode()


def test_names_follow_the_conventions() -> None:
    """Counters end in _total, everything carries the prefix, and no label is one that a scrape overwrites."""
    taken = {"job", "instance", "namespace", "pod", "service", "endpoint", "container", "le", "quantile", "type"}
    for metric in METRICS:
        assert metric.name.startswith("driftline_")
        assert metric.name.endswith("_total") == (metric.type == "counter")
        assert not taken & set(metric.labels)
        assert metric.help.endswith(".")


@pytest.mark.parametrize("why", ["too_few_blocks", "a_reason_of_later"])
def test_the_reason_of_no_promise_is_shown(telemetry: Telemetry, why: str) -> None:
    """Of the reasons one is 1 and all others are 0, until a window says that the promise holds."""
    telemetry.calibrated(**SCOPE, why=why)
    shown = value(telemetry, "driftline_calibration_why", why=why, **SCOPE)
    telemetry.window(WINDOW)
    assert (shown, value(telemetry, "driftline_calibration_why", why="slope", **SCOPE)) == (1, 0)
    assert 'why="too_few_blocks"} 1' not in text(telemetry)


def test_columns_without_an_answer_are_counted_by_reason(telemetry: Telemetry) -> None:
    """Each window's failed columns are added, and the other reasons of a child process stand at 0."""
    for _ in range(2):
        telemetry.window(window(columns=[COLUMN, FAILED]))
    scope = {"model": "flight-delay", "version": "1"}
    counted = [
        value(telemetry, "driftline_columns_failed_total", **scope, why=why) for why in ("time_limit", "not_installed")
    ]
    assert counted == [2, 0]


def test_no_metric_is_declared_twice_and_all_can_be_shown(telemetry: Telemetry) -> None:
    """Every declared metric has a way onto the page."""
    fill(telemetry)
    page = text(telemetry)
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert [metric.name for metric in METRICS if f"# HELP {metric.name} " not in page] == []


def fill(telemetry: Telemetry) -> None:
    """Show something of every metric."""
    telemetry.window(window(columns=[{**COLUMN, "p_value": 1e-9}, FAILED]))
    band = {"value": 0.7, "lower": 0.6, "upper": 0.8}
    scored = {
        "window": WINDOW["id"],
        "targets_coverage_ratio": 0.9,
        "performance": [{"metric": "roc_auc", "realised": band}],
        "targets_unreadable_ratio": 0.0,
        "targets_before_record_ratio": 0.0,
        "scores_improper_ratio": 0.0,
        "target_lag_seconds": {"p50": 60.0},
        "fairness": [{"metric": "demographic_parity", "column": "carrier", "value": 0.1}],
    }
    telemetry.performance("flight-delay", "1", scored)
    telemetry.targets_changed("flight-delay", 1)
    telemetry.alerts([ALERT])
    telemetry.records("flight-delay", "records", read=3, rejected={"torn": 1}, late=1, sampled=2)
    telemetry.source_lag("flight-delay", "records", 3.1)
    telemetry.false_alarms("flight-delay", promised=1.0, expected=None)
    telemetry.calibrated("flight-delay", "2", why="slope")
    telemetry.reference("flight-delay", "1", overdue_seconds=3600.0)
    telemetry.evaluated("flight-delay", 1_372_669_500_000_000)
    telemetry.stage("read", 0.01)
    telemetry.deliveries("team", outcomes={"delivered": 4}, pending=1)
    quiet = {"model": "m", "version": "1", "name": "drift", "severity": "warning", "segment": None}
    telemetry.withheld([quiet | {"withheld": {"why": "silenced", "by": "si_a"}}], {"m": {"silenced": 1}})
    telemetry.silences(everything=0, others=1)
    telemetry.actions("flight-delay", {("retrain", "requested"): 1})
    telemetry.suppressed("flight-delay", {"cooldown": 2})
    telemetry.recoveries("flight-delay", {"recovered": 1})
    telemetry.callbacks_refused({"other_job": 1})
    telemetry.state(bytes_on_disk=48_000_000, writable=True)
    telemetry.audit(12)
    telemetry.config(reloaded=True)
