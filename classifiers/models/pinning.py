"""Noting at a table that a model was trained on a version of it."""

from pathlib import Path

from classifiers.models.card import ModelCard
from pipelines.cli import log
from pipelines.errors import FrozenFeaturesError
from pipelines.stores.places import is_remote
from pipelines.table.feature_table import FeatureTable
from pipelines.table.pins import pin_version


def pin_table(table: FeatureTable, version: int, model: Path | str) -> None:
    """Note at a table which version a model was trained on; where that fails it is told.

    Args:
        table: the table.
        version: the version.
        model: the model's folder, or the name of a version of it.
    """
    name = str(model)
    try:
        pin_version(table.uri, version, name if is_remote(name) else str(Path(model).resolve()))
    except OSError as error:
        log(f"version {version} could not be marked as in use by this model: {error}")


def pin_card(card: ModelCard, model: Path | str) -> None:
    """Note at the tables that a card names, that a copy of the model is elsewhere.

    Args:
        card: the model's.
        model: as `pin_table`.
    """
    if card.table is None or card.table_version is None:
        return
    beside = ((each.table, each.table_version) for each in card.beside)
    for uri, version in ((card.table, card.table_version), *beside):
        try:
            table = FeatureTable.open(uri)
        except (FrozenFeaturesError, OSError) as error:
            log(
                f"{uri}, which {model} was trained on, cannot be told of it, so that forget will "
                f"not name it: {error}"
            )
            continue
        pin_table(table, version, model)
