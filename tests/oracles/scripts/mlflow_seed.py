"""Fill an MLflow store with a little of everything, through whatever MLflow (1.30 to 3.x) runs this script.

Usage: mlflow_seed.py TRACKING_URI
"""

import math
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import mlflow.pyfunc
import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

warnings.simplefilter("ignore")
MAJOR = int(mlflow.__version__.partition(".")[0])


class Doubler(mlflow.pyfunc.PythonModel):
    """A model that needs nothing."""

    def predict(self, context, model_input, params=None):
        """Return twice the input."""
        return model_input * 2


def log_model(path: str, **more):
    """Log a model under the name that this MLflow calls its artifact path."""
    where = {"name": path} if MAJOR >= 3 else {"artifact_path": path}
    requirements = ["numpy==1.26.4", "torch==2.5.1+cu124"]
    return mlflow.pyfunc.log_model(python_model=Doubler(), pip_requirements=requirements, **where, **more)


def measure(offset: float) -> None:
    """Log histories, with the values that are hard to write down."""
    for step in range(5):
        mlflow.log_metric("loss", 1.0 / (step + 1) + offset, step=step)
    mlflow.log_metric("acc", 0.9 + offset / 10, step=4)
    mlflow.log_metric("val/f1", 0.5)
    mlflow.log_metric("broken", math.nan)
    mlflow.log_metric("huge", math.inf)
    mlflow.log_metric("tiny", -math.inf)


def data(name: str, context: str) -> None:
    """Log a dataset input where this MLflow has them."""
    if MAJOR >= 2:
        mlflow.log_input(mlflow.data.from_numpy(np.arange(12.0).reshape(4, 3), name=name), context=context)


def train(name: str, number: int, **more):
    """Make one run that logs a model; return its id and what log_model said."""
    with mlflow.start_run(run_name=name, nested=mlflow.active_run() is not None) as run:
        mlflow.log_params({"lr": 0.1 / (number + 1), "layers": number, "opt": "adam", "bias": True, "note": "a: b # c"})
        measure(number / 100)
        data(f"train-{number}", "training")
        data("holdout", "validation")
        mlflow.set_tags({"team": "risk", "mlflow.source.git.commit": "0123456789abcdef0123456789abcdef01234567"})
        mlflow.set_tag("mlflow.source.git.repoURL", "https://user:hunter2@example.test/org/repo.git")
        with TemporaryDirectory() as folder:
            (Path(folder) / "notes.txt").write_text("hello")
            mlflow.log_artifact(str(Path(folder) / "notes.txt"), "extra")
        info = log_model("model", **more)
        if MAJOR >= 3:
            held = mlflow.data.from_numpy(np.arange(12.0).reshape(4, 3), name="holdout")
            mlflow.log_metric("judged", 0.7, model_id=info.model_id, dataset=held)
    return run.info.run_id, info


def registered(client: MlflowClient) -> None:
    """Make a registered model of four versions, one of them deleted, with aliases, stages and tags."""
    for number in range(4):
        train(f"run {number}", number, registered_model_name="churn")
    client.update_registered_model("churn", "Who leaves, and *when*.")
    client.set_registered_model_tag("churn", "owner", "ada")
    client.update_model_version("churn", "2", "Second try.\n\nWith more layers.")
    client.set_model_version_tag("churn", "2", "validated", "yes: really")
    client.transition_model_version_stage("churn", "1", "Archived")
    client.transition_model_version_stage("churn", "2", "Production")
    client.transition_model_version_stage("churn", "3", "Staging")
    client.delete_model_version("churn", "4")
    client.create_registered_model("empty", description="nothing in it")
    if hasattr(client, "set_registered_model_alias"):
        client.set_registered_model_alias("churn", "champion", "2")
        client.set_registered_model_alias("churn", "challenger", "3")
    if hasattr(client, "copy_model_version"):
        client.copy_model_version("models:/churn/2", "churn-prod")
        client.copy_model_version("models:/churn-prod/1", "churn-edge")


def unregistered(client: MlflowClient) -> None:
    """Make runs that nobody registered: finished, failed, running, deleted, without a model, nested."""
    mlflow.set_experiment("tuning")
    train("alone", 7)
    with mlflow.start_run(run_name="parent"):
        mlflow.log_param("grid", "3x3")
        log_model("model")
        train("child", 8)
    with mlflow.start_run(run_name="no model"):
        mlflow.log_param("x", 1)
    gone, _ = train("gone", 9)
    client.delete_run(gone)
    failed, _ = train("failed", 10)
    client.set_terminated(failed, "FAILED")
    open_run = client.create_run(client.get_experiment_by_name("tuning").experiment_id)
    client.log_param(open_run.info.run_id, "still", "going")
    mlflow.set_experiment("thrown away")
    train("forgotten", 11)
    client.delete_experiment(client.get_experiment_by_name("thrown away").experiment_id)


def family(client: MlflowClient) -> None:
    """Make a registered child of a registered parent."""
    mlflow.set_experiment("family")
    with mlflow.start_run(run_name="mother") as mother:
        mlflow.log_metric("acc", 0.5)
        log_model("model", registered_model_name="family")
        with mlflow.start_run(run_name="daughter", nested=True):
            mlflow.log_metric("acc", 0.6)
            log_model("model", registered_model_name="family")
    client.set_tag(mother.info.run_id, "seen", "yes")


def main() -> None:
    """Fill the store."""
    mlflow.set_tracking_uri(sys.argv[1])
    client = MlflowClient()
    mlflow.set_experiment("churn training")
    unregistered(client)
    try:
        client.search_registered_models()
    except MlflowException:  # the file store of 1.x had no registry
        return
    mlflow.set_experiment("churn training")
    registered(client)
    family(client)


main()
