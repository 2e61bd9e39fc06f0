"""Receivers that their service could do nothing with, told before the start."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.config import Loaded
from monitor.errors import Fault
from tests.config.test_config_faults import MODEL, said

Faults = Callable[[str], list[Fault]]
SLACK = "  - {name: team, type: slack, url: 'https://hooks.example.com/x'}\n"
AIRFLOW = "  - {name: dags, type: airflow, url: 'https://flow.example.com/x', token: tokencanary}\n"
RETRAIN = "    retrain: {{receiver: {}, min_targets: 0}}\n"


@pytest.mark.parametrize(
    ("model", "receivers", "rest", "expected"),
    [
        (
            RETRAIN.format("team"),
            SLACK,
            "",
            'models[churn].retrain.receiver: "team" is of type slack, which tells people and starts no job',
        ),
        (
            "",
            AIRFLOW,
            "",
            'receivers[dags].name: "dags" is of type airflow, which starts jobs, and no model\'s retrain names it',
        ),
        (
            RETRAIN.format("dags"),
            AIRFLOW,
            "routes:\n  - {to: [dags]}\n",
            'routes[0].to[0]: "dags" is of type airflow, which starts jobs and is told no alert',
        ),
        (
            RETRAIN.format("dags"),
            AIRFLOW,
            "routes:\n  - {to: dags}\n",
            'routes[0].to: "dags" is of type airflow, which starts jobs and is told no alert',
        ),
    ],
    ids=["people_for_jobs", "jobs_for_nothing", "jobs_in_a_route", "jobs_as_a_route"],
)
def test_a_receiver_is_used_for_what_it_does(
    faults_of: Faults, model: str, receivers: str, rest: str, expected: str
) -> None:
    """Whoever would be sent what it cannot take is named, with its line and what to do."""
    (told,) = said(faults_of(f"{MODEL}{model}receivers:\n{receivers}{rest}"))
    assert f"error[E124] {expected}\n  help: " in told


@pytest.mark.parametrize(
    ("model", "receivers"),
    [("", SLACK), (RETRAIN.format("dags"), SLACK + AIRFLOW)],
    ids=["people", "both"],
)
def test_receivers_that_fit_are_taken(load: Callable[..., Loaded], model: str, receivers: str) -> None:
    """People are told of alerts, and what runs jobs is named by a model."""
    assert load(f"{MODEL}{model}receivers:\n{receivers}").config.receivers


def test_what_a_service_needs_is_named(faults_of: Faults) -> None:
    """A missing token is told at the receiver, and no secret is quoted."""
    (told,) = said(faults_of(f"{MODEL}receivers:\n  - {{name: call, type: pagerduty, values: {{secretcanary: 1}}}}\n"))
    assert "error[E123] receivers[call]: pagerduty needs token or token_file: the integration's routing key" in told
    assert "canary" not in told


COMMAND = "  - {name: program, type: command, run: [/bin/true]}\n"
CLUSTER = "  - {name: cluster, type: kubernetes, namespace: ml, spec: {template: {spec: {containers: [{image: x}]}}}}\n"
POST = "  - {name: post, type: email, host: mail, sender: d@example.com, to: [a@example.com]}\n"


@pytest.mark.parametrize("server", ["", "server: {allow_commands: false}\n"])
def test_a_program_runs_only_where_it_is_allowed(faults_of: Faults, server: str) -> None:
    """A receiver that runs a program is a fault until the config says that it may."""
    (told,) = said(faults_of(f"{server}{MODEL}receivers:\n{COMMAND}"))
    assert "error[E125] receivers[program].type: runs a program as the daemon's user" in told


@pytest.mark.parametrize(
    ("model", "receivers", "expected"),
    [
        ("", CLUSTER, 'receivers[cluster].name: "cluster" is of type kubernetes, which starts jobs'),
        (RETRAIN.format("post"), POST, 'models[churn].retrain.receiver: "post" is of type email, which tells people'),
    ],
)
def test_jobs_are_for_clusters_and_alerts_for_mailboxes(
    faults_of: Faults, model: str, receivers: str, expected: str
) -> None:
    """A cluster is told no alert, and a mailbox starts no job."""
    (told,) = said(faults_of(f"{MODEL}{model}receivers:\n{receivers}"))
    assert f"error[E124] {expected}" in told


def test_receivers_with_code_of_their_own_are_taken(load: Callable[..., Loaded]) -> None:
    """A program that is allowed, a cluster that retrains and a mailbox stand in one config."""
    text = f"server: {{allow_commands: true}}\n{MODEL}{RETRAIN.format('cluster')}receivers:\n{COMMAND}{CLUSTER}{POST}"
    assert [each.type for each in load(text).config.receivers] == ["command", "kubernetes", "email"]
