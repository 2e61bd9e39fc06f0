"""What services take, a dialect each: data and templates, sent by the one sender."""

from __future__ import annotations

from monitor.receivers.dialects import jobs, people
from monitor.receivers.dialects.dialect import Dialect, Takes

__all__ = ["DIALECTS", "Dialect", "Takes"]

DIALECTS: dict[str, Dialect] = {
    "slack": people.SLACK,
    "teams": people.TEAMS,
    "discord": people.DISCORD,
    "pagerduty": people.PAGERDUTY,
    "opsgenie": people.OPSGENIE,
    "alertmanager": people.ALERTMANAGER,
    "github": jobs.GITHUB,
    "github_workflow": jobs.GITHUB_WORKFLOW,
    "gitlab": jobs.GITLAB,
    "jenkins": jobs.JENKINS,
    "airflow": jobs.AIRFLOW,
    "airflow2": jobs.AIRFLOW2,
    "argo": jobs.ARGO,
    "kubeflow": jobs.KUBEFLOW,
    "prefect": jobs.PREFECT,
    "dagster": jobs.DAGSTER,
    "databricks": jobs.DATABRICKS,
}
