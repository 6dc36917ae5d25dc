"""The engines there are: which package each needs, and how a base is converted for it."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.contract import Contract
from pipelines.engines.engine import Engine

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class EngineKind:
    """An engine that runs a conversion of the base instead of Keras's model.

    Attributes:
        name: what `--engine` calls it, and the extra that installs it.
        package: the distribution it needs, which is also the name it is imported by.
        layout: counts up when `convert` writes something else than before.
        convert: writes a base as the contract wants it into a folder; raises EngineError when the
            engine cannot express it.
        open: loads such a folder: (folder, threads, batch size).
    """

    name: str
    package: str
    layout: int
    convert: Callable[["keras.Model", Contract, Path], None]
    open: Callable[[Path, int, int], Engine]

    @property
    def installed(self) -> bool:
        """Whether its package is here; it is not imported to find out."""
        try:
            metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return False
        return importlib.util.find_spec(self.package) is not None

    @property
    def version(self) -> str:
        """Of its package and of the conversion's layout."""
        return f"{metadata.version(self.package)}-{self.layout}"


def _convert_to_openvino(model: "keras.Model", contract: Contract, folder: Path) -> None:
    from pipelines.engines.openvino_engine import convert_to_openvino

    convert_to_openvino(model, contract, folder)


def _open_openvino(folder: Path, threads: int, batch_size: int) -> Engine:
    from pipelines.engines.openvino_engine import OpenVinoEngine

    return OpenVinoEngine(folder, threads, batch_size)


def _convert_to_ncnn(model: "keras.Model", contract: Contract, folder: Path) -> None:
    from pipelines.engines.ncnn.conversion import convert_to_ncnn

    convert_to_ncnn(model, contract, folder)


def _open_ncnn(folder: Path, threads: int, batch_size: int) -> Engine:
    from pipelines.engines.ncnn.engine import NcnnEngine

    return NcnnEngine(folder, threads, batch_size)


CONVERTING = {
    kind.name: kind
    for kind in (
        EngineKind("openvino", "openvino", 1, _convert_to_openvino, _open_openvino),
        EngineKind("ncnn", "ncnn", 2, _convert_to_ncnn, _open_ncnn),
    )
}
KERAS = "keras"
AUTO = "auto"
ENGINES = (AUTO, KERAS, *CONVERTING)
