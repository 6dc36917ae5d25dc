"""Writing a run into a store of MLflow's: a local folder, or a server.

MLflow tells its makers how it is used. That is switched off before it is imported.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.models.place import model_files
from classifiers.tracking.run import Run
from pipelines.errors import TrackingError

SILENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""If the environment says nothing else; MLflow's own is many minutes."""

DATABASE = "mlflow.db"
ARTIFACTS = "artifacts"
"""In a local store."""

FOLDER = "model"
"""Of the run's artifacts, the one with the model's files."""

BATCH = 100
"""Parameters, measures or tags in one request."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where a run went.

    Attributes:
        experiment: number of the experiment.
        run: number of the run.
    """

    experiment: str
    run: str


def write_run(store: str, experiment: str, run: Run, folder: Path) -> Written:
    """Write a run with its measures, and a model's files as its artifacts.

    Args:
        store: a local folder, or the URL of a server.
        experiment: name of the experiment, which is made if it is not there.
        run: the run.
        folder: that the model's files are in.

    Raises:
        TrackingError: the store does not take it.
        ModuleNotFoundError: MLflow is not installed.
    """
    mlflow = load_mlflow()
    with _errors(store):
        local = None if is_server(store) else Path(store).resolve()
        if local is not None:
            local.mkdir(parents=True, exist_ok=True)
        client = mlflow.MlflowClient(store if local is None else f"sqlite:///{local / DATABASE}")
        number = _experiment(client, experiment, local)
        begun = client.create_run(number, run.began, run.tags, run.name).info.run_id
        try:
            _log(mlflow, client, begun, run)
            for path in sorted(folder.iterdir()):
                if path.name in model_files():
                    client.log_artifact(begun, str(path), FOLDER)
        except BaseException:
            with contextlib.suppress(Exception):
                client.set_terminated(begun, "FAILED")
            raise
        client.set_terminated(begun, "FINISHED", run.ended)
    return Written(str(number), str(begun))


def is_server(store: str) -> bool:
    """Whether a store is a server, by its URL."""
    return store.startswith(("http://", "https://"))


def load_mlflow() -> Any:  # noqa: ANN401 - mypy does not follow MLflow
    """MLflow, which tells nobody of its use and no more than warnings to the user.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    os.environ.update(SILENT)
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow


def _experiment(client: Any, name: str, local: Path | None) -> str:  # noqa: ANN401
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    where = None if local is None else (local / ARTIFACTS).as_uri()
    return str(client.create_experiment(name, artifact_location=where))


def _log(mlflow: Any, client: Any, number: str, run: Run) -> None:  # noqa: ANN401
    parameters = [mlflow.entities.Param(*each) for each in run.parameters.items()]
    measures = [
        mlflow.entities.Metric(each.name, each.value, run.ended, each.step) for each in run.measures
    ]
    for start in range(0, max(len(parameters), len(measures)), BATCH):
        some = slice(start, start + BATCH)
        client.log_batch(number, metrics=measures[some], params=parameters[some])


@contextlib.contextmanager
def _errors(store: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError:
        raise
    except Exception as error:  # MLflow's own, its database's and its client's
        said = str(error).partition("\n")[0]
        raise TrackingError(
            f"cannot write to MLflow's store {store}: {said}; is it a folder of its own, or the "
            "address of a server that runs?"
        ) from error
