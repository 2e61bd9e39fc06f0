from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.delivery import (
    SCHEDULE_SECONDS,
    Outcome,
    Reason,
    decide,
    judge_status,
    next_wait_seconds,
    read_retry_after,
)
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import SECOND, from_text
from monitor.routing import RouteSettings, route

NOW = from_text("2026-01-05T08:00:00Z")
ADDRESS = "https://hooks.example:8443/..."
FAILED = DeliveryFailed(Reason.TIMEOUT, "no answer")
RECEIVERS = ("team", "desk", "retrain-job")


def rng() -> random.Random:
    """Return a generator of the test's own."""
    return random.Random(7)


class Latest(random.Random):
    """Draws the upper end, so that a wait is its step of the schedule."""

    def uniform(self, a: float, b: float) -> float:
        """Return the upper end."""
        return b


def alert(**changed: str) -> dict[str, str]:
    """Return an alert, with some of its keys changed."""
    return {"severity": "warning", "model": "flight-delay", "version": "3", "name": "drift"} | changed


def test_the_schedule_is_the_promised_one() -> None:
    """Eight waits follow eight failures: 5 s, 30 s, 2 m, 10 m, 30 m, 2 h, 5 h, 10 h."""
    waits = [next_wait_seconds(attempts, None, Latest()) for attempts in range(1, 9)]
    assert waits == [5, 30, 120, 600, 1800, 7200, 18000, 36000]


def test_the_ninth_failure_is_the_last() -> None:
    """A delivery whose tries are spent is dead, for the reason of its last failure."""
    decision = decide(len(SCHEDULE_SECONDS) + 1, FAILED, NOW, rng())
    assert (decision.outcome, decision.reason, decision.next_at) == (Outcome.DEAD, Reason.TIMEOUT, None)


@given(attempts=st.integers(1, 8), seed=st.integers(0, 2**32))
def test_jitter_is_full(attempts: int, seed: int) -> None:
    """A wait lies anywhere between nothing and its step."""
    wait = next_wait_seconds(attempts, None, random.Random(seed))
    assert wait is not None
    assert 0 <= wait <= SCHEDULE_SECONDS[attempts - 1]


def test_jitter_spreads_over_the_step() -> None:
    """Waits of many senders fill their step evenly: their mean is its half."""
    draws = rng()
    waits = [next_wait_seconds(3, None, draws) or 0.0 for _ in range(2000)]
    assert sum(waits) / len(waits) == pytest.approx(60, rel=0.05)


def test_success_is_delivered() -> None:
    """An attempt without a failure ends the delivery."""
    assert decide(1, None, NOW, rng()).outcome is Outcome.DELIVERED


def test_a_failure_is_retried_after_its_wait() -> None:
    """The next try stands at the instant of the failure plus the wait."""
    assert decide(2, FAILED, NOW, Latest()).next_at == NOW + 30 * SECOND


def test_a_refusal_is_dead_at_once() -> None:
    """What a receiver will never take is not tried again."""
    decision = decide(1, DeliveryRefused(Reason.REJECTED, "answered 404"), NOW, rng())
    assert (decision.outcome, decision.next_at, decision.disable) == (Outcome.DEAD, None, False)


def test_gone_disables_the_receiver() -> None:
    """A receiver that says it is gone is not called again."""
    gone = judge_status(410, None, NOW, ADDRESS)
    assert decide(1, gone, NOW, rng()).disable is True


@pytest.mark.parametrize(
    ("asked", "granted"), [(90.0, 90), (0.0, 5), (2.0, 5), (-10.0, 5), (3600.0, 3600), (3601.0, 3600), (1e12, 3600)]
)
def test_retry_after_lengthens_the_wait_up_to_an_hour(asked: float, granted: float) -> None:
    """A receiver's wish is granted up to an hour, and never brings the next try forward."""
    failure = DeliveryFailed(Reason.THROTTLED, "answered 429", asked)
    assert decide(1, failure, NOW, Latest()).next_at == NOW + granted * SECOND


def test_a_message_that_would_come_too_late_is_given_up() -> None:
    """An action whose next try lies behind its expiry is dead now, so that an operator learns of it now."""
    decision = decide(2, FAILED, NOW, Latest(), expires_at=NOW + 30 * SECOND)
    assert (decision.outcome, decision.reason) == (Outcome.DEAD, Reason.EXPIRED)


def test_a_message_in_time_is_retried() -> None:
    """An action whose next try lies before its expiry is tried again."""
    assert decide(2, FAILED, NOW, Latest(), expires_at=NOW + 31 * SECOND).outcome is Outcome.RETRIED


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Mon, 05 Jan 2026 08:02:00 GMT", 120.0),
        ("Monday, 05-Jan-26 08:02:00 GMT", 120.0),
        ("Mon Jan  5 08:02:00 2026", 120.0),
        ("Mon, 05 Jan 2026 07:00:00 GMT", -3600.0),
    ],
)
def test_retry_after_is_read_in_each_of_its_forms(header: str, seconds: float) -> None:
    """Seconds, fractions and the three forms of an HTTP date are read."""
    assert read_retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [None, "", "soon", "-1", "nan", "inf", "1e3", "0x10", "1" * 400, "Mon, 99 Jan 2026 08:02:00 GMT", "1,2", "12 s"],
)
def test_retry_after_that_says_nothing_is_ignored(header: str | None) -> None:
    """What is neither seconds nor a date is no wish."""
    assert read_retry_after(header, NOW) is None


@given(st.text(max_size=60))
def test_no_retry_after_raises(header: str) -> None:
    """Whatever a receiver writes there, reading it does not fail."""
    assert isinstance(read_retry_after(header, NOW), float | None)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_success(status: int) -> None:
    """Every 2xx is success."""
    assert judge_status(status, None, NOW, ADDRESS) is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (408, "unavailable"),
        (425, "unavailable"),
        (429, "throttled"),
        (500, "unavailable"),
        (502, "unavailable"),
        (503, "unavailable"),
        (504, "unavailable"),
        (599, "unavailable"),
    ],
)
def test_what_may_pass_is_retried(status: int, reason: str) -> None:
    """408, 425, 429 and 5xx are tried again, with the receiver's wish."""
    failure = judge_status(status, "7", NOW, ADDRESS)
    assert isinstance(failure, DeliveryFailed)
    assert (failure.reason, failure.retry_after) == (reason, 7.0)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "rejected"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "rejected"),
        (422, "rejected"),
        (410, "gone"),
        (301, "redirected"),
        (302, "redirected"),
        (304, "redirected"),
        (307, "redirected"),
        (308, "redirected"),
        (101, "rejected"),
        (499, "rejected"),
    ],
)
def test_what_will_not_pass_is_refused(status: int, reason: str) -> None:
    """Other 4xx and every redirect are given up at once, and a wrong secret is told from a wrong path."""
    failure = judge_status(status, None, NOW, ADDRESS)
    assert isinstance(failure, DeliveryRefused)
    assert failure.reason == reason


def test_the_text_names_the_status_and_the_short_address() -> None:
    """An operator reads who answered what, without the path, which may be a secret."""
    assert str(judge_status(503, None, NOW, ADDRESS)) == "https://hooks.example:8443/... answered 503"


def test_without_routes_alerts_reach_all_but_the_retraining_receiver() -> None:
    """The receiver that starts jobs gets only actions."""
    assert route(alert(), (), RECEIVERS, {"retrain-job"}) == ("team", "desk")


def test_without_routes_info_reaches_nobody() -> None:
    """An alert of severity info is recorded, and sent only where it was asked for."""
    assert route(alert(severity="info"), (), RECEIVERS, {"retrain-job"}) == ()


def to_desk(**match: Any) -> RouteSettings:
    """Return a route to the desk."""
    return RouteSettings.model_validate({"match": match, "to": ["desk"]})


@pytest.mark.parametrize(
    ("match", "told"),
    [
        ({}, True),
        ({"severity": "warning"}, True),
        ({"severity": "critical"}, False),
        ({"severity": ["critical", "warning"]}, True),
        ({"model": "flight-delay"}, True),
        ({"model": ["churn"]}, False),
        ({"version": "3", "alert": "drift"}, True),
        ({"version": "3", "alert": ["quality", "volume"]}, False),
    ],
)
def test_a_route_takes_what_matches_all_its_keys(match: dict[str, Any], told: bool) -> None:
    """A key is one word or a list, and every key given must match."""
    assert route(alert(), [to_desk(**match)], RECEIVERS, ()) == (("desk",) if told else ())


@pytest.mark.parametrize(
    ("match", "told"), [({}, False), ({"model": "flight-delay"}, False), ({"severity": "info"}, True)]
)
def test_info_is_routed_only_if_named(match: dict[str, Any], told: bool) -> None:
    """A route takes alerts of severity info only if it says so."""
    assert route(alert(severity="info"), [to_desk(**match)], RECEIVERS, ()) == (("desk",) if told else ())


def test_every_matching_route_adds_its_receivers_once() -> None:
    """Two routes with one receiver in common tell it once, in the order of the config."""
    routes = [to_desk(), RouteSettings.model_validate({"to": ["desk", "team"]})]
    assert route(alert(), routes, RECEIVERS, ()) == ("team", "desk")


def test_a_route_may_name_the_retraining_receiver() -> None:
    """What an operator asks for in a route is done."""
    assert route(alert(), [RouteSettings.model_validate({"to": "retrain-job"})], RECEIVERS, {"retrain-job"}) == (
        "retrain-job",
    )


@pytest.mark.parametrize("wrong", [{"severity": "fatal"}, {"alert": "drfit"}, {"colour": "red"}])
def test_a_route_refuses_words_that_match_nothing(wrong: dict[str, Any]) -> None:
    """A severity, alert or key that does not exist is a fault, not a route that never matches."""
    with pytest.raises(ValidationError):
        to_desk(**wrong)
