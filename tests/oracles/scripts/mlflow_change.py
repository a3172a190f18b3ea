"""Change things in a store that mlflow_seed.py filled, through MLflow's own client.

Usage: mlflow_change.py TRACKING_URI; each line of the input names a function below, and is answered by itself.
"""

import sys
import warnings

import mlflow
import mlflow.pyfunc
from mlflow.tracking import MlflowClient

warnings.simplefilter("ignore")


def runs(client, experiment):
    """Return the runs of an experiment by name."""
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return {run.data.tags["mlflow.runName"]: run.info.run_id for run in found}


def move_alias(client):
    """Let an alias point elsewhere; MLflow changes no timestamp of a version for that."""
    client.set_registered_model_alias("churn", "champion", "3")


def drop_alias(client):
    """Take an alias away."""
    client.delete_registered_model_alias("churn", "challenger")


def tag_version(client):
    """Tag a version; no timestamp changes."""
    client.set_model_version_tag("churn", "1", "late", "tag")


def delete_version(client):
    """Delete a version; its run stands for itself again."""
    client.delete_model_version("churn", "3")


def delete_model(client):
    """Delete a registered model with its versions."""
    client.delete_registered_model("family")


def register_run(client):
    """Register the model of a run that stood for itself."""
    run_id = runs(client, "tuning")["alone"]
    models = client.search_logged_models([client.get_experiment_by_name("tuning").experiment_id])
    (model,) = [model for model in models if model.source_run_id == run_id]
    client.create_registered_model("late")
    client.create_model_version("late", f"models:/{model.model_id}", run_id=run_id, model_id=model.model_id)


def delete_run(client):
    """Delete a run that stood for itself."""
    client.delete_run(runs(client, "tuning")["parent"])


def go_on(client):
    """Let the run that has not ended log more."""
    (run_id,) = (run for name, run in runs(client, "tuning").items() if name not in NAMED)
    client.log_metric(run_id, "loss", 0.25, step=9)


def rename_experiment(client):
    """Rename an experiment, after which its runs' model is named."""
    client.rename_experiment(client.get_experiment_by_name("tuning").experiment_id, "tuned")


def delete_experiment(client):
    """Delete an experiment."""
    client.delete_experiment(client.get_experiment_by_name("tuning").experiment_id)


def new_run(client):
    """Log a new run with a model that nobody registers."""
    mlflow.set_experiment("tuning")
    with mlflow.start_run(run_name="newcomer"):
        mlflow.log_metric("acc", 0.99)
        mlflow.pyfunc.log_model(name="model", python_model=Echo())


class Echo(mlflow.pyfunc.PythonModel):
    """A model that needs nothing."""

    def predict(self, context, model_input, params=None):
        """Return the input."""
        return model_input


NAMED = {"alone", "parent", "child", "failed", "no model", "newcomer"}
mlflow.set_tracking_uri(sys.argv[1])
for line in sys.stdin:
    globals()[line.strip()](MlflowClient(sys.argv[1], sys.argv[1]))
    print(line, end="", flush=True)
