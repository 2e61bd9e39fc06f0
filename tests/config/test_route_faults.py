"""Routes and windows of maintenance that cannot be meant, told before the start."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.config import Loaded
from monitor.errors import Fault
from tests.config.test_config_faults import MODEL, only

Faults = Callable[[str], list[Fault]]
RECEIVERS = """\
receivers:
  - {name: team, type: log}
  - {name: pager, type: pagerduty, token: tokencanary}
"""


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (
            "{to: team, escalate: {after: 30m, to: taem}}",
            'error[E114] routes[0].escalate.to: no receiver is named "taem"; expected one of team, pager',
        ),
        ("{to: pager, group: {wait: 1m}}", 'error[E124] routes[0].to: "pager" is of type pagerduty'),
        ("{to: [team, pager], digest: 1d}", 'error[E124] routes[0].to[1]: "pager" is of type pagerduty'),
        ("{to: team, group: {}, digest: 1d}", "error[E115] routes[0]: a digest is one group already"),
        ('{to: team, during: {from: "9:00"}}', "error[E102] routes[0].during.from: not a time of day"),
        ("{to: team, during: {days: monday}}", 'routes[0].during.days: not allowed (got "monday")'),
        ("{to: team, during: {zone: Mars/Olympus}}", "routes[0].during.zone: no time zone has this name"),
        ("{to: team, match: {segmnt: a}}", "error[E101] routes[0].match.segmnt"),
    ],
)
def test_a_route_that_cannot_be_meant(faults_of: Faults, route: str, expected: str) -> None:
    """Each fault says where it stands and what was expected."""
    assert expected in only(faults_of(f"{MODEL}{RECEIVERS}routes:\n  - {route}\n"))


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("{}", "expected one of: days with from and to; cron with length; starts with ends"),
        ('{cron: "0 3 * * sun"}', "expected cron and length together"),
        ('{cron: "0 3 * * 0", length: 1h}', "a day of the week as a number; expected its name"),
        ('{cron: "often", length: 1h}', "not a cron expression; expected five fields"),
        ('{cron: "61 3 * * *", length: 1h}', "not a cron expression"),
        ("{starts: 2026-01-06T00:00:00Z, ends: 2026-01-05T00:00:00Z}", "it ends before it starts"),
        ("{starts: 2026-01-06T00:00:00Z}", "expected starts and ends together"),
        ('{days: sat, cron: "0 3 * * sun", length: 1h}', "expected one of: days with from and to"),
    ],
)
def test_a_window_of_maintenance_that_cannot_be_meant(faults_of: Faults, window: str, expected: str) -> None:
    """A window is told in one way, whole, and ends after it begins."""
    text = only(faults_of(f"{MODEL}    alerts: {{maintenance: [{window}]}}\n"))
    assert "models[churn].alerts.maintenance[0]" in text
    assert expected in text


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("{alert: drift, severity: critical}", "drift is never critical"),
        ("{alert: [quality, targets], severity: info}", "quality, targets is never info"),
        ("{alert: monitor}", "monitor is never warning or critical"),
        ("{segment: carrier=UA}", "no model has such a segment (columns.segments)"),
        ("{segment: 'carrier=UA,origin=JFK'}", "no model has such a segment (columns.segments)"),
    ],
)
def test_a_route_that_no_alert_can_take_is_warned_of(load: Callable[..., Loaded], match: str, expected: str) -> None:
    """Such a route is allowed, and said."""
    cut = "" if "," not in match else "    columns: {segments: [carrier]}\n"
    (warning,) = load(f"{MODEL}{cut}{RECEIVERS}routes:\n  - {{match: {match}, to: team}}\n").warnings
    assert (warning.code, warning.path) == ("W115", "routes[0].match")
    assert warning.message == f"no alert can take this route: {expected}"


@pytest.mark.parametrize(
    "match",
    [
        "{}",
        "{alert: [drift, performance], severity: critical}",
        "{alert: drift, severity: [info, warning]}",
        "{segment: ['', carrier=UA]}",
        "{segment: 'carrier=UA,origin=JFK'}",
    ],
)
def test_a_route_that_some_alert_takes_is_not_warned_of(load: Callable[..., Loaded], match: str) -> None:
    """What one of its alerts can take is no news."""
    model = f"{MODEL}    columns: {{segments: [carrier, [origin, carrier]]}}\n"
    assert load(f"{model}{RECEIVERS}routes:\n  - {{match: {match}, to: team}}\n").warnings == ()
