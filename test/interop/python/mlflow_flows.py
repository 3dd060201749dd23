"""MLflow's own client: tracking, registry, artifacts."""

import os

import mlflow
import mlflow.sklearn
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

from flows import serve

EXPERIMENT = "fraud"
X = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
Y = [0, 1, 0, 1]


def signed_in(flow):
    def run(asked):
        os.environ["MLFLOW_TRACKING_TOKEN"] = asked["token"]
        mlflow.set_tracking_uri(asked["url"])
        while mlflow.active_run() is not None:
            mlflow.end_run()
        return flow(asked)

    return run


def train(asked):
    """A run with its metrics and its model, as a training job logs it."""
    mlflow.set_experiment(EXPERIMENT)
    try:
        with mlflow.start_run() as run:
            mlflow.log_params({"c": 1.0})
            mlflow.log_metric("accuracy", 1.0)
            model = LogisticRegression().fit(X, Y)
            mlflow.sklearn.log_model(model, name="model")
            return run.info.run_id
    finally:
        mlflow.tracking.fluent._active_run_stack.set([])


def register(asked):
    """Makes the model of a run a version of a registered model."""
    client = MlflowClient()
    found = client.search_logged_models(
        experiment_ids=[client.get_experiment_by_name(EXPERIMENT).experiment_id]
    )
    # A run that was cut short leaves a model without files.
    found = [model for model in found if str(model.status) == "READY"]
    if not found:
        raise RuntimeError("no logged model is listed")
    version = mlflow.register_model(f"models:/{found[0].model_id}", asked["model"])
    return version.version


def promote(asked):
    """Gives a version its alias."""
    client = MlflowClient()
    client.set_registered_model_alias(asked["model"], "champion", "1")
    return client.get_model_version_by_alias(asked["model"], "champion").version


def load(asked):
    """Loads the champion and predicts with it, in the process of the caller."""
    model = mlflow.sklearn.load_model(f"models:/{asked['model']}@champion")
    return [int(y) for y in model.predict(X)]


def browse(asked):
    """What there is."""
    names = sorted(model.name for model in MlflowClient().search_registered_models())
    if asked["model"] not in names:
        raise RuntimeError(f"{asked['model']} is not listed")
    return names


serve({flow.__name__: signed_in(flow) for flow in (train, register, promote, load, browse)})
