"""Measuring a model of several labels on a split of a table."""

import argparse
from collections.abc import Sequence

from classifiers.data.label_sets import marked_rows, read_label_sets
from classifiers.data.row_groups import find_rows
from classifiers.models.opening import ModelOrFolder, any_card_of, name_of, opened_several
from classifiers.models.several.measures import evaluate_several, opinions_on
from classifiers.models.several.model import of_several
from classifiers.models.several.reports import SeveralEvaluateReport
from classifiers.models.side_by_side import (
    batches_beside,
    named_in_report,
    require_given,
    tables_of,
)
from classifiers.models.sources import refuse
from pipelines.errors import UsageError
from pipelines.images.layout_options import layout_given


def several_measured(options: argparse.Namespace, model: ModelOrFolder) -> SeveralEvaluateReport:
    """Measure a model on the images that options name, as `add_measuring_options` has them.

    Raises:
        UsageError: an option has no meaning for several labels, or beside another.
        FrozenFeaturesError: as `several_on_table`.
    """
    if options.input is not None:
        raise UsageError(
            "a model of several labels is measured on stored features: extract these images first, "
            "and name their table with --table"
        )
    refuse({"weights": options.weights, **layout_given(options)}, "--table")
    refuse({"pictures": options.pictures}, "a model of several labels")
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
