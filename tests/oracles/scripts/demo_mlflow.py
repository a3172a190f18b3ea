"""Open a file store with MLflow's own client: `URI`; prints models, versions, aliases, runs, histories and inputs."""

import json
import os
import sys

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
from mlflow import MlflowClient
from mlflow.entities import ViewType

uri = sys.argv[1]
mlflow.set_tracking_uri(uri)
client = MlflowClient(uri, uri)
experiments = {one.experiment_id: one.name for one in client.search_experiments()}
runs = {}
for run in client.search_runs(list(experiments), run_view_type=ViewType.ALL, max_results=1000):
    history = {
        name: [[point.step, point.value] for point in client.get_metric_history(run.info.run_id, name)]
        for name in run.data.metrics
    }
    runs[run.info.run_name] = {
        "id": run.info.run_id,
        "experiment": experiments[run.info.experiment_id],
        "status": run.info.status,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": run.data.tags,
        "history": history,
        "datasets": [[one.dataset.name, one.dataset.digest] for one in run.inputs.dataset_inputs],
        "models_in": [one.model_id for one in run.inputs.model_inputs],
    }
models = {}
for model in client.search_registered_models():
    versions = {
        version.version: {
            "run": version.run_id,
            "stage": version.current_stage,
            "source": version.source,
            "tags": version.tags,
            "artifacts": sorted(
                one.path.rpartition("/")[2]
                for one in mlflow.artifacts.list_artifacts(
                    version.source
                    if version.source.startswith("models:/m-")
                    else client.get_model_version_download_uri(model.name, version.version)
                )
            ),
        }
        for version in client.search_model_versions(f"name='{model.name}'")
    }
    models[model.name] = {"aliases": dict(model.aliases), "versions": versions, "tags": model.tags}
logged = {one.model_id: one.name for one in client.search_logged_models(list(experiments))}
print(json.dumps({"experiments": experiments, "runs": runs, "models": models, "logged": logged}))
