"""What a model says of a table's images: measures of a split, and every image's class."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.data.decoding import decode
from classifiers.data.encoding import encode, no_class_known, unknown_classes
from classifiers.data.row_groups import SplitRows
from classifiers.data.training_set import Batch
from classifiers.heads.head import Judgement
from classifiers.models.evaluation import measure
from classifiers.models.folder import Model
from classifiers.models.opening import ModelOrFolder, card_of, name_of, opened
from classifiers.models.reports import EvaluateReport
from classifiers.models.soundness import require_length
from pipelines.contract import require_same_contract
from pipelines.errors import TableError

MISTAKES = 60
"""Of a model, the surest first, that are shown."""

OF_A_CELL = 12
OF_CELLS = 600
"""Pictures behind a cell of the confusion matrix, and behind all of them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A model, measured on a split and asked of the images of the map.

    Attributes:
        name: what the model is called.
        model: the model.
        report: its measures.
        ids: ids (n,) of the images measured.
        targets: int64 (n,), their class numbers.
        predicted: int64 (n,), the classes that the model says.
        sureness: float64 (n,), the probability of that class, or its score where the head has none.
        has_probabilities: which of the two.
    """

    name: str
    model: Model
    report: EvaluateReport
    ids: npt.NDArray[np.object_]
    targets: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    sureness: npt.NDArray[np.float64]
    has_probabilities: bool

    def mistakes(self) -> npt.NDArray[np.int64]:
        """Places of the images told wrong, the surest first, int64 (m,), m at most `MISTAKES`."""
        wrong = np.flatnonzero(self.predicted != self.targets)
        surest: npt.NDArray[np.int64] = wrong[np.argsort(-self.sureness[wrong], kind="stable")]
        return surest[:MISTAKES]

    def cells(self) -> dict[tuple[int, int], list[int]]:
        """Places of images by true and predicted class, the surest first; of mistakes before hits.

        `OF_A_CELL` of each and `OF_CELLS` of all: of many cells each gets its first image before
        any gets a second.
        """
        order = np.argsort(-self.sureness, kind="stable")
        found = defaultdict[tuple[int, int], list[int]](list)
        for place in order.tolist():
            cell = found[int(self.targets[place]), int(self.predicted[place])]
            if len(cell) < OF_A_CELL:
                cell.append(place)
        wanted = sorted(
            (true == said, rank, true, said)
            for (true, said), places in found.items()
            for rank in range(len(places))
        )
        kept = defaultdict[tuple[int, int], list[int]](list)
        for _, rank, true, said in wanted[:OF_CELLS]:
            kept[true, said].append(found[true, said][rank])
        return dict(kept)


class _Remembering:
    """A model that remembers, batch by batch, what it said."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.predicted: list[npt.NDArray[np.int64]] = []
        self.sureness: list[npt.NDArray[np.float64]] = []
        self.has_probabilities = False

    def judge(self, features: npt.NDArray[np.float32]) -> Judgement:
        """See `FittedHead.judge`."""
        judged = self._model.judge(features)
        self.has_probabilities = judged.probabilities is not None
        self.predicted.append(judged.predicted)
        self.sureness.append(sureness_of(judged))
        return judged


def sureness_of(judged: Judgement) -> npt.NDArray[np.float64]:
    """The probability, or else the score, of the class said: float64 (n,)."""
    of_class = judged.scores if judged.probabilities is None else judged.probabilities
    said: npt.NDArray[np.float64] = of_class[np.arange(len(judged.predicted)), judged.predicted]
    return said


def judged_on(model: ModelOrFolder, rows: SplitRows, split: str) -> Judged:
    """Measure a model on a split.

    Args:
        model: a head on features.
        rows: of the split.
        split: its name.

    Raises:
        ContractMismatchError: the table's features are not the model's.
        UsageError: the model reads images.
        TableError: no image is of a class of the model, or none has finite features, or images have
            several labels.
        ModelError: the model is not what its card says.
    """
    card, table = card_of(model), rows.table
    name = name_of(model)
    require_same_contract(card.of_features(), name, table.contract, "the table")
    rows.require_one_label()
    labels = rows.labels()
    _, known = encode(labels, card.classes)
    unknown = unknown_classes(labels, card.classes)
    if not known.any():
        raise no_class_known(split, unknown, card.classes)
    rows = rows.only(known)
    targets, _ = encode(rows.labels(), card.classes)
    model = opened(model)
    require_length(model.head, table.feature_length, f"the table {table.uri}", model.name)
    asked, places = _Remembering(model), list[npt.NDArray[np.int64]]()
    measured = measure(asked, _batches(rows, targets, places), card.classes, card.decisions)
    order = np.concatenate(places)
    source = {"table": table.uri, "table_version": table.version}
    return Judged(
        name=name,
        model=model,
        report=EvaluateReport(card.head, split, measured, source),
        ids=rows.keys.column("image_id").to_numpy()[order],
        targets=targets[order],
        predicted=np.concatenate(asked.predicted),
        sureness=np.concatenate(asked.sureness),
        has_probabilities=asked.has_probabilities,
    )


def _batches(
    rows: SplitRows, targets: npt.NDArray[np.int64], places: list[npt.NDArray[np.int64]]
) -> Iterator[Batch]:
    """Finite rows with their targets; notes which they are."""
    for block in decode(rows, lambda block: block):
        finite = np.isfinite(block.features).all(axis=1)
        if finite.any():
            places.append(block.places[finite])
            yield block.features[finite], targets[places[-1]]
    if not places:
        raise TableError(
            f"no image of {rows.table.uri} that could be measured on has finite features; extract "
            "them again"
        )
