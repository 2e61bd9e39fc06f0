"""A DAG of Airflow 3 that Driftline starts; its receiver is `{type: airflow, url: …/api/v2/dags/retrain/dagRuns}`.

The action names the run, so that a message which is sent twice starts one. Airflow's image needs `pip install --no-deps
driftline` and pyarrow. The run's conf holds a token, which whoever may read runs can see; it is good for one action.
"""

from pathlib import Path

from airflow.sdk import dag, get_current_context, task

from monitor.receiver import Job

ROWS = "/opt/airflow/rows/{}.parquet"  # a volume that all workers share


def current_job() -> Job:
    """Return the job that this run is for."""
    return Job.from_parameters(get_current_context()["dag_run"].conf)


def report_failure(context: dict) -> None:
    """Tell Driftline that the run has failed, whichever task it was."""
    Job.from_parameters(context["dag_run"].conf).failed("the run has failed in Airflow")


@dag(schedule=None, max_active_runs=1, catchup=False, on_failure_callback=report_failure, tags=["driftline"])
def retrain() -> None:
    """Fetch the rows, train, deploy, and report."""

    @task
    def fetch() -> str:
        """Report that the run has started; where the action has expired, this fails and nothing is trained."""
        job = current_job()
        job.started()
        return str(job.download(ROWS.format(job.action_id)))

    @task
    def train(path: str) -> dict:
        """Train on the rows; here is your training."""
        import pyarrow.parquet as pq

        rows = pq.read_metadata(path).num_rows
        return {"version": str(int(current_job().version or 0) + 1), "rows": rows}

    @task
    def deploy(made: dict) -> None:
        """Write the new version's reference, deploy it, and report only then."""
        job = current_job()
        job.succeeded(made["version"], made["rows"])
        Path(ROWS.format(job.action_id)).unlink(missing_ok=True)

    deploy(train(fetch()))


retrain()
