"""The quantised base that a model brings with it: a model outlives its table."""

from pathlib import Path

from classifiers.models.place import BASE_FILE
from pipelines.bases.quantised import quantised_at, read_quantised
from pipelines.cli import log
from pipelines.errors import WeightsError
from pipelines.table.feature_table import FeatureTable


def bring_base(table: FeatureTable, draft: Path) -> None:
    """Copy a table's quantised base into a model's draft; one that is lost is told, and left out.

    Args:
        table: that the model was trained on.
        draft: the model's.
    """
    quantisation = table.contract.quantisation
    if quantisation is None:
        return
    try:
        place = quantised_at(table.uri, table.contract)
        content = read_quantised(place, quantisation.base)
    except WeightsError as error:
        log(f"the model takes features only, no images: {error}")
        return
    (draft / BASE_FILE).write_bytes(content)
