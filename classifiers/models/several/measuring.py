"""Measuring a model of several labels on a split of a table, or of images through its base."""

import argparse
from collections.abc import Iterator, Sequence
from math import prod

from classifiers.data.images import left_out, of_split, shown_failure
from classifiers.data.label_sets import marked_rows, read_label_sets, sets_of
from classifiers.data.row_groups import find_rows
from classifiers.data.training_set import Batch
from classifiers.models.opening import ModelOrFolder, any_card_of, name_of, opened_several
from classifiers.models.several.measures import evaluate_several, opinions_on
from classifiers.models.several.model import of_several
from classifiers.models.several.reports import SeveralEvaluateReport
from classifiers.models.side_by_side import (
    batches_beside,
    named_in_report,
    require_given,
    require_one_base,
    tables_of,
)
from classifiers.models.soundness import require_length
from classifiers.models.sources import refuse
from classifiers.models.through_base import features_of, open_base
from pipelines.cli import log
from pipelines.errors import InputError
from pipelines.images.layout_options import layout_given, layout_of
from pipelines.images.listing import list_images
from pipelines.records import Failure, ImageRef


def several_measured(options: argparse.Namespace, model: ModelOrFolder) -> SeveralEvaluateReport:
    """Measure a model on the images that options name, as `add_measuring_options` has them.

    Raises:
        UsageError: an option has no meaning for several labels, or beside another.
        FrozenFeaturesError: as `several_on_table`.
    """
    refuse({"pictures": options.pictures}, "a model of several labels")
    if options.input is not None:
        of_tables = {"also_table": options.also_table, "table_version": options.table_version}
        refuse(of_tables, "--input")
        refs = list_images(options.input, options.input_root, layout_of(options))
        return several_on_images(model, options.input, refs, options.split, options.weights)
    refuse({"weights": options.weights, **layout_given(options)}, "--table")
    also = options.also_table or ()
    return several_on_table(model, options.table, options.split, options.table_version, also)


def several_on_table(
    model: ModelOrFolder,
    location: str,
    split: str,
    version: int | None = None,
    also: Sequence[str] = (),
) -> SeveralEvaluateReport:
    """Measure a model on a split of a table, or of several side by side.

    Raises:
        TableError: there is no such table, version or split.
        ContractMismatchError: its features are not the model's.
        ModelError: the model is not what its card says, or gives no finite scores.
    """
    card = any_card_of(model)
    several = of_several(card, name_of(model))
    table, beside = tables_of(card, location, version, also)
    rows = beside.common(find_rows(table, split, copies=0, option="--split"), split)
    samples = marked_rows(rows, read_label_sets(rows), card.classes, split)
    model = opened_several(model)
    require_given(model.head, table, beside, model.name)
    opinion, marks = opinions_on(model, batches_beside(samples, beside), card.classes)
    return SeveralEvaluateReport(
        card.head,
        split,
        evaluate_several(opinion, marks, card.classes, several),
        several,
        opinion.has_probabilities,
        named_in_report(table, beside),
    )


def several_on_images(
    model: ModelOrFolder,
    location: str,
    refs: Sequence[ImageRef],
    split: str,
    weights: str | None = None,
) -> SeveralEvaluateReport:
    """Measure a model on images, which go through its base.

    Args:
        model: the model.
        location: where the images were listed, for the report.
        refs: the images of all splits.
        split: the split to measure on.
        weights: of the base; ImageNet's when None.

    Raises:
        InputError: there are no such images, or none can be used.
        WeightsError: the weights are not those that the model's features were made with.
    """
    model = opened_several(model)
    card = model.card
    require_one_base(card)
    part = [ref for ref in of_split(refs, split, "--split") if ref.label is not None]
    if not part:
        raise InputError(f"no image of split {split!r} has labels, nor an empty list of them")
    engine = open_base(card.of_features(), weights, len(part), model.base_file)
    require_length(model.head, prod(engine.feature_shape), card.of_features().base, model.name)
    failures: list[Failure] = []

    def batches() -> Iterator[Batch]:
        for batch in features_of(part, engine, card.of_features()):
            failures.extend(batch.failures)
            if batch.refs:
                yield batch.features, sets_of(batch.refs).marks(card.classes)
        if len(failures) == len(part):
            first = shown_failure(failures[0])
            raise InputError(f"no image of split {split!r} can be used: {first}")

    opinion, marks = opinions_on(model, batches(), card.classes)
    if failures:
        log(left_out(failures))
    return SeveralEvaluateReport(
        card.head,
        split,
        evaluate_several(opinion, marks, card.classes, model.several),
        model.several,
        opinion.has_probabilities,
        {"input": location, "left_out": len(failures)},
    )
