"""Measuring a model on a split of a table, or of images; heads on features need their base then."""

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from classifiers.data.encoding import unknown_classes
from classifiers.data.images import LabelledRefs, labelled, labels_of, left_out, of_split
from classifiers.data.row_groups import find_rows
from classifiers.data.training_set import Batch, labelled_rows
from classifiers.models.evaluation import measure
from classifiers.models.folder import Model
from classifiers.models.opening import (
    ModelOrFolder,
    card_of,
    card_of_classes,
    opened,
    opened_of_classes,
)
from classifiers.models.reports import EvaluateReport
from classifiers.models.side_by_side import (
    batches_beside,
    named_in_report,
    require_given,
    tables_of,
)
from classifiers.models.soundness import require_length
from classifiers.models.through_base import features_of, open_base
from pipelines.cli import log
from pipelines.errors import UsageError
from pipelines.images.layout import PLAIN, Layout
from pipelines.images.listing import list_images
from pipelines.records import Failure


def on_table(
    model: ModelOrFolder,
    location: str,
    split: str,
    version: int | None = None,
    also: Sequence[str] = (),
) -> EvaluateReport:
    """Measure a model on a split of a table, or of several side by side.

    Raises:
        TableError: there is no such table, version or split.
        ContractMismatchError: its features are not the model's.
        UsageError: the model reads images.
        ModelError: the model is not what its card says, or gives no finite scores.
    """
    card = card_of_classes(model)
    table, beside = tables_of(card, location, version, also)
    rows = beside.common(find_rows(table, split, copies=0, option="--split"), split)
    samples = labelled_rows(rows, card.classes, split)
    model = opened_of_classes(model)
    require_given(model.head, table, beside, model.name)
    batches = batches_beside(samples, beside)
    result = measure(model, batches, card.classes, card.decisions)
    source = {
        **named_in_report(table, beside),
        **_unknown(rows.labels(), card.classes),
    }
    return EvaluateReport(card.head, split, result, source)


def on_images(
    model: ModelOrFolder,
    location: str,
    split: str,
    root: str | None = None,
    layout: Layout = PLAIN,
    weights: str | None = None,
) -> EvaluateReport:
    """Measure a model on a split of a folder or manifest of images.

    Args:
        model: a model that reads images, or a head on features, whose base is opened.
        location: the folder or manifest.
        split: the split.
        root: what a manifest's paths are relative to.
        layout: how what is there is to be understood.
        weights: of the base under a head on features; ImageNet's when None.

    Raises:
        InputError: there are no such images, or none can be used.
        UsageError: weights are named for a model that holds its own.
        WeightsError: they are not those that the model's features were made with.
    """
    card = card_of(model)
    if card.images is not None and weights is not None:
        raise UsageError("--weights has no meaning here: this model holds its own")
    refs = list_images(location, root, layout)
    labels = labels_of(of_split(refs, split, "--split"))
    part = labelled(refs, split, card.classes)
    failures: list[Failure] = []
    if card.images is None:
        batches, model = _through_base(model, part, weights, failures)
    else:
        model = opened(model)
        batches = part.batches(card.images.pixel_spec(), failures)
    result = measure(model, batches, card.classes, card.decisions)
    if failures:
        log(left_out(failures))
    source = {
        "input": location,
        "left_out": len(failures),
        **_unknown(labels, card.classes),
    }
    return EvaluateReport(card.head, split, result, source)


def _through_base(
    model: ModelOrFolder, part: LabelledRefs, weights: str | None, failures: list[Failure]
) -> tuple[Iterator[Batch], Model]:
    contract = card_of(model).of_features()
    model = opened(model)
    engine = open_base(contract, weights, len(part.refs), model.base_file)
    require_length(model.head, prod(engine.feature_shape), contract.base, model.name)

    def batches() -> Iterator[Batch]:
        for batch in features_of(part.refs, engine, contract):
            failures.extend(batch.failures)
            if batch.refs:
                yield batch.features, part.targets(batch.refs)
        part.require_some(failures)

    return batches(), model


def _unknown(labels: npt.NDArray[np.object_], classes: Sequence[str]) -> dict[str, dict[str, int]]:
    unknown = unknown_classes(labels, classes)
    return {"unknown_classes": dict(unknown)} if unknown else {}
