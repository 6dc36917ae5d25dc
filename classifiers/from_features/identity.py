"""What makes a training on stored features the one that it is, and its state beside its model."""

from collections.abc import Mapping, Sequence
from typing import Any

from classifiers.data.side_by_side import Beside
from classifiers.data.training_set import StreamedSet
from classifiers.from_features.job import TrainJob
from classifiers.models.training_state import TrainingState, digest, of_every_training
from pipelines.table.feature_table import FeatureTable


def state_of(
    job: TrainJob,
    table: FeatureTable,
    parts: Mapping[str, StreamedSet | None],
    classes: Sequence[str],
    weight: Mapping[int, float] | None,
    beside: Beside,
    *,
    streams: bool,
) -> TrainingState | None:
    """Where a training by epochs keeps its states; None if it is to keep none.

    Args:
        job: the training.
        table: its table.
        parts: the rows by "train" and "validation".
        classes: names by number.
        weight: of each class.
        beside: the tables beside it.
        streams: whether features are streamed.
    """
    place = job.model.state_beside()
    if job.checkpoint_every is None or place is None:
        return None
    identity = _identity(job, table, parts, classes, weight)
    identity["streamed_within"] = job.budget.size if streams else None
    if beside.tables:
        identity["beside"] = [
            [each.uri, each.version, each.contract.contract_id] for each in beside.tables
        ]
    return TrainingState(place, identity, job.checkpoint_every)


def _identity(
    job: TrainJob,
    table: FeatureTable,
    parts: Mapping[str, StreamedSet | None],
    classes: Sequence[str],
    weight: Mapping[int, float] | None,
) -> dict[str, Any]:
    """What makes this training the one that it is."""
    return {
        "head": job.head.name,
        "settings": job.head.settings(),
        "pooling": job.pooling,
        "table": table.uri,
        "table_version": table.version,
        "contract": table.contract.contract_id,
        **{name: None if part is None else _rows_digest(part) for name, part in parts.items()},
        **of_every_training(classes, weight, job.seed),
    }


def _rows_digest(part: StreamedSet) -> str:
    """A hash of which rows a split has, of which classes, and of the files that they lie in."""
    groups = [f"{group.path}\0{group.number}".encode() for group in part.rows.groups]
    ids = "\0".join(part.rows.keys.column("image_id").to_pylist())
    copies = part.rows.keys.column("copy").to_numpy()
    return digest([ids.encode("utf-8", "surrogatepass"), copies, part.targets, *groups])
