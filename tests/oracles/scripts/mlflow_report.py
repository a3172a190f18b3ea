"""Print, as JSON, what MLflow's own client says a store holds.

Usage: mlflow_report.py TRACKING_URI
"""

import json
import math
import sys
import warnings

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

warnings.simplefilter("ignore")


def number(value: float):
    """Return what JSON can hold of a metric's value; MLflow's databases keep infinity as the largest float."""
    if math.isnan(value):
        return "NaN"
    return "inf" if value >= sys.float_info.max else "-inf" if value <= -sys.float_info.max else value


def pages(fetch, **more):
    """Yield the items of all pages."""
    token = None
    while True:
        page = fetch(page_token=token, **more)
        yield from page
        token = page.token
        if not token:
            return


def model(found) -> dict:
    """Return a registered model."""
    return {
        "name": found.name,
        "description": found.description or "",
        "tags": dict(found.tags),
        "aliases": {alias: str(version) for alias, version in dict(getattr(found, "aliases", {}) or {}).items()},
    }


def version(found) -> dict:
    """Return a model version."""
    return {
        "model": found.name,
        "version": str(found.version),
        "created": found.creation_timestamp,
        "description": found.description or "",
        "stage": found.current_stage,
        "run_id": found.run_id or "",
        "source": found.source,
        "status": found.status,
        "tags": dict(found.tags),
    }


def inputs(found) -> list:
    """Return the data sets that a run read."""
    if not getattr(found, "inputs", None):
        return []
    return sorted(
        [entry.dataset.name, entry.dataset.digest, entry.tags[0].value] for entry in found.inputs.dataset_inputs
    )


def run(client: MlflowClient, found) -> dict:
    """Return a run with the history of each metric."""
    return {
        "id": found.info.run_id,
        "name": found.data.tags.get("mlflow.runName", ""),
        "experiment": found.info.experiment_id,
        "status": found.info.status,
        "start": found.info.start_time,
        "end": found.info.end_time,
        "user": found.info.user_id,
        "params": dict(found.data.params),
        "metrics": {key: number(value) for key, value in found.data.metrics.items()},
        "tags": dict(found.data.tags),
        "inputs": inputs(found),
        "histories": {
            key: [[point.step, number(point.value), point.timestamp] for point in history]
            for key in found.data.metrics
            for history in [client.get_metric_history(found.info.run_id, key)]
        },
    }


def registry(client: MlflowClient) -> dict:
    """Return what is registered; the file store of 1.x had no registry."""
    try:
        models = [model(found) for found in pages(client.search_registered_models, max_results=100)]
    except MlflowException:
        return {"models": [], "versions": []}
    return {"models": models, "versions": [version(found) for found in client.search_model_versions("")]}


def main() -> None:
    """Print the report."""
    client = MlflowClient(sys.argv[1], sys.argv[1])
    experiments = {found.experiment_id: found.name for found in pages(client.search_experiments, max_results=100)}
    report = {
        "experiments": experiments,
        **registry(client),
        "runs": [
            run(client, found)
            for identity in experiments
            for found in pages(lambda **more: client.search_runs([identity], **more), max_results=100)  # noqa: B023
        ],
    }
    json.dump(report, sys.stdout)


main()
