"""Getting a quantised base from where it is kept to where OpenVINO runs it."""

from pathlib import Path

import numpy as np

from pipelines.bases.quantised import read_quantised
from pipelines.engines.kinds import OPENVINO, EngineKind
from pipelines.engines.openvino_engine import QUANTISED_FILE
from pipelines.engines.request import EngineRequest
from pipelines.engines.trial import try_conversion
from pipelines.errors import UnsuitableEngineError, UsageError


def require_runs_int8(engine: str) -> None:
    """Refuse an engine that cannot compute in int8.

    Raises:
        UsageError: it cannot.
    """
    if engine != OPENVINO:
        raise UsageError(
            f"--engine {engine} does not compute in int8; leave --engine out, OpenVINO does"
        )


def fetch_quantised(request: EngineRequest, kind: EngineKind, folder: Path) -> None:
    """Put a quantised base into a folder, held against its hash and tried in a process of its own.

    Args:
        request: what names the base.
        kind: of engine that runs it.
        folder: where it is put.

    Raises:
        WeightsError: it cannot be had, or is another.
        EngineError: the engine does not take it, or its features are no finite numbers.
    """
    quantisation = request.contract.quantisation
    assert quantisation is not None
    content = read_quantised(request.base_file, quantisation.base)
    (folder / QUANTISED_FILE).write_bytes(content)
    size = request.contract.image_size
    probe = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    found = try_conversion(kind.name, folder, 1, 1, probe)
    if not np.isfinite(found).all():
        raise UnsuitableEngineError("its features in int8 are no finite numbers")
