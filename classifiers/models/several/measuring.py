"""Measuring a model of several labels on a split of a table."""

import argparse

from classifiers.data.label_sets import marked_rows, read_label_sets
from classifiers.data.row_groups import find_rows
from classifiers.models.opening import ModelOrFolder, any_card_of, name_of, opened_several
from classifiers.models.several.measures import evaluate_several, opinions_on
from classifiers.models.several.model import of_several
from classifiers.models.several.reports import SeveralEvaluateReport
from classifiers.models.soundness import require_length
from classifiers.models.sources import refuse
from pipelines.contract import require_same_contract
from pipelines.errors import UsageError
from pipelines.images.layout_options import layout_given
from pipelines.table.feature_table import FeatureTable


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
    return several_on_table(model, options.table, options.split, options.table_version)


def several_on_table(
    model: ModelOrFolder, location: str, split: str, version: int | None = None
) -> SeveralEvaluateReport:
    """Measure a model on a split of a table.

    Raises:
        TableError: there is no such table, version or split.
        ContractMismatchError: its features are not the model's.
        ModelError: the model is not what its card says, or gives no finite scores.
    """
    card = any_card_of(model)
    several = of_several(card, name_of(model))
    table = FeatureTable.open(location, version)
    require_same_contract(card.of_features(), "the model", table.contract, "the table")
    rows = find_rows(table, split, copies=0, option="--split")
    samples = marked_rows(rows, read_label_sets(rows), card.classes, split)
    model = opened_several(model)
    require_length(model.head, table.feature_length, f"the table {table.uri}", model.name)
    opinion, marks = opinions_on(model, samples.batches(), card.classes)
    return SeveralEvaluateReport(
        card.head,
        split,
        evaluate_several(opinion, marks, card.classes, several),
        several,
        opinion.has_probabilities,
        {"table": table.uri, "table_version": table.version},
    )
