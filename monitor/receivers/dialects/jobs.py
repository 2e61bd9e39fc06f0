"""Services that run jobs. Each job gets the alert, the action and the way to report back as its parameters."""

from __future__ import annotations

from monitor.receivers.dialects.answers import lacking, not_launched
from monitor.receivers.dialects.dialect import Dialect

_BEARER = {"Authorization": "Bearer {{ token }}"}
_BASIC = {"Authorization": "Basic {{ (user ~ ':' ~ token) | base64 }}"}
_TOKEN = "what the service takes as Authorization: Bearer"  # noqa: S105 - what it is, not one
_EXISTS = frozenset({409})

GITHUB = Dialect(
    token=_TOKEN,
    headers={**_BEARER, "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
    may={"event_type": "what workflows listen for (driftline)"},
    body={
        "event_type": "{{ values.event_type or 'driftline' }}",
        "client_payload": {
            "type": "{{ event.type }}",
            "title": "{{ title }}",
            "text": "{{ sentences | join(' ') }}",
            "parameters": "{{ parameters }}",
        },
    },
    takes="all",
)

GITHUB_WORKFLOW = Dialect(
    token=_TOKEN,
    headers={**_BEARER, "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
    needs={"ref": "the branch or tag whose workflow runs"},
    body={"ref": "{{ values.ref }}", "inputs": "{{ parameters }}"},
    takes="actions",
)

GITLAB = Dialect(
    token="the pipeline trigger token",  # noqa: S106 - what it is, not one
    needs={"ref": "the branch or tag whose pipeline runs"},
    form=True,
    body={
        "token": "{{ token }}",
        "ref": "{{ values.ref }}",
        "variables[DRIFTLINE_MODEL]": "{{ alert.model }}",
        "variables[DRIFTLINE_VERSION]": "{{ alert.version }}",
        "variables[DRIFTLINE_ACTION]": "{{ action.id }}",
        "variables[DRIFTLINE_ROWS]": "{{ links.rows or '' }}",
        "variables[DRIFTLINE_CALLBACK]": "{{ parameters.callback_url }}",
        "variables[DRIFTLINE_CALLBACK_TOKEN]": "{{ parameters.callback_token }}",
    },
    takes="actions",
    refusal=lacking("id"),
)

JENKINS = Dialect(
    token="the user's API token",  # noqa: S106 - what it is, not one
    user="the user that the token is of",
    headers=_BASIC,
    form=True,
    body={
        "MODEL": "{{ alert.model }}",
        "VERSION": "{{ alert.version }}",
        "ACTION": "{{ action.id }}",
        "ROWS": "{{ links.rows or '' }}",
        "CALLBACK": "{{ parameters.callback_url }}",
        "CALLBACK_TOKEN": "{{ parameters.callback_token }}",
    },
    takes="actions",
)

AIRFLOW = Dialect(
    token="a JSON web token of Airflow 3",  # noqa: S106 - what it is, not one
    headers=_BEARER,
    body={
        "dag_run_id": "driftline__{{ action.id }}",
        "logical_date": None,
        "conf": "{{ parameters }}",
        "note": "{{ title | short(900) }}",
    },
    done=_EXISTS,
    takes="actions",
    refusal=lacking("dag_run_id"),
)

AIRFLOW2 = Dialect(
    token="the user's password",  # noqa: S106 - what it is, not one
    user="the user of Airflow 2",
    headers=_BASIC,
    body={"dag_run_id": "driftline__{{ action.id }}", "conf": "{{ parameters }}", "note": "{{ title | short(900) }}"},
    done=_EXISTS,
    takes="actions",
    refusal=lacking("dag_run_id"),
)

ARGO = Dialect(
    token=_TOKEN,
    headers=_BEARER,
    needs={"namespace": "where the workflow runs", "template": "the WorkflowTemplate's name"},
    body={
        "namespace": "{{ values.namespace }}",
        "resourceKind": "WorkflowTemplate",
        "resourceName": "{{ values.template }}",
        "submitOptions": {
            "name": "{{ values.template }}-{{ action.id | dns }}",
            "parameters": "{{ parameters | assignments }}",
        },
    },
    done=_EXISTS,
    takes="actions",
    refusal=lacking("metadata"),
)

KUBEFLOW = Dialect(
    token=_TOKEN,
    token_needed=False,
    headers=_BEARER,
    needs={"pipeline_id": "the pipeline's id"},
    may={"experiment_id": "the experiment's id", "service_account": "the account that the run has"},
    body={
        "display_name": "{{ title | short(100) }} {{ action.id }}",
        "experiment_id": "{{ values.experiment_id or omit }}",
        "pipeline_version_reference": {"pipeline_id": "{{ values.pipeline_id }}"},
        "runtime_config": {"parameters": "{{ parameters }}"},
        "service_account": "{{ values.service_account or omit }}",
    },
    takes="actions",
    refusal=lacking("run_id"),
)

PREFECT = Dialect(
    token=_TOKEN,
    token_needed=False,
    headers=_BEARER,
    body={
        "name": "driftline-{{ action.id }}",
        "parameters": "{{ parameters }}",
        "tags": ["driftline"],
        "idempotency_key": "{{ action.id }}",
    },
    takes="actions",
    refusal=lacking("id"),
)

_LAUNCH = (
    "mutation Launch($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename"
    " ... on LaunchRunSuccess { run { runId } } } }"
)
DAGSTER = Dialect(
    token="the agent token of Dagster+",  # noqa: S106 - what it is, not one
    token_needed=False,
    headers={"Dagster-Cloud-Api-Token": "{{ token }}"},
    needs={"location": "the repository location's name", "job": "the job's name"},
    may={"repository": "the repository's name (__repository__)"},
    body={
        "query": _LAUNCH,
        "variables": {
            "p": {
                "selector": {
                    "repositoryLocationName": "{{ values.location }}",
                    "repositoryName": "{{ values.repository or '__repository__' }}",
                    "jobName": "{{ values.job }}",
                },
                "runConfigData": "{{ {} }}",
                "executionMetadata": {"tags": "{{ parameters | tags }}"},
            }
        },
    },
    takes="actions",
    refusal=not_launched,
)

DATABRICKS = Dialect(
    token=_TOKEN,
    headers=_BEARER,
    needs={"job_id": "the job's number"},
    body={
        "job_id": "{{ values.job_id | int }}",
        "idempotency_token": "{{ action.id }}",
        "job_parameters": "{{ parameters }}",
        "queue": {"enabled": True},
    },
    takes="actions",
    refusal=lacking("run_id"),
)
