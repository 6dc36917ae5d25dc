"""What runs the bases that are tried: engines, raced once for each base, size and dtype."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.contract import INT8, Contract
from pipelines.engines.choosing import choose_engine
from pipelines.engines.engine import Engine
from pipelines.engines.kinds import KERAS
from pipelines.engines.opening import open_engine
from pipelines.engines.request import Computation
from pipelines.errors import EngineError
from pipelines.planning.job import FeatureChoice, make_contract
from pipelines.planning.quantisation import quantised_base
from pipelines.records import ImageRef
from pipelines.table.storage import table_uri


class Engines:
    """Opens an engine for each of some maps; of one base, size and dtype only the first is raced.

    Args:
        wanted: what `--engine` says.
        batch_size: images a call.
    """

    def __init__(self, wanted: str, batch_size: int) -> None:
        self._wanted = wanted
        self._batch_size = batch_size
        self._found: dict[FeatureChoice, str] = {}

    def open(self, choice: FeatureChoice, refs: Sequence[ImageRef]) -> Engine:
        """The engine for a choice.

        Raises:
            UsageError: the base does not take it, or the engine is not installed.
            EngineError: the engine named cannot run the base.
            WeightsError: the weights cannot be loaded.
        """
        contract, base_file = _contract(choice, refs)
        asked = Computation(contract, choice.weights, self._batch_size, None, base_file=base_file)
        alike = replace(choice, layer=None)
        known = self._found.get(alike)
        if known is None:
            chosen = choose_engine(self._wanted, asked, refs)[1]
            self._found[alike] = chosen.name
            return open_engine(chosen)
        try:
            return open_engine(asked.by(known))
        except EngineError:
            if self._wanted == known:
                raise
            return open_engine(asked.by(KERAS))  # an engine may take only some of a base's layers


def _contract(choice: FeatureChoice, refs: Sequence[ImageRef]) -> tuple[Contract, str | None]:
    """The contract, and the file of the base if it is quantised, on some of the images tried."""
    contract = make_contract(choice)
    if contract.compute_dtype != INT8:
        return contract, None
    with tempfile.TemporaryDirectory(prefix="frozen-features-") as folder:
        no_table = table_uri(str(Path(folder) / "none"))
        made = quantised_base(contract, no_table, refs, choice.weights, None)
    return made.contract, made.base_file
