"""The engines there are: which package each needs, and how a base is converted for it."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.contract import ONNX_FILE, Contract
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
        formats: of bases that it runs: "keras" models, composed "onnx" files.
    """

    name: str
    package: str
    layout: int
    convert: Callable[["keras.Model", Contract, Path], None]
    open: Callable[[Path, int, int], Engine]
    formats: tuple[str, ...] = ("keras",)

    def takes(self, contract: Contract) -> bool:
        """Whether it runs bases of that kind at all."""
        return ("onnx" if contract.base == ONNX_FILE else "keras") in self.formats

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


def _in_module(
    name: str, package: str, layout: int, module: str, formats: tuple[str, ...] = ("keras",)
) -> EngineKind:
    """An engine whose module has `convert` and `load`; it is imported when one is called."""

    def convert(model: "keras.Model", contract: Contract, folder: Path) -> None:
        importlib.import_module(module).convert(model, contract, folder)

    def load(folder: Path, threads: int, batch_size: int) -> Engine:
        engine: Engine = importlib.import_module(module).load(folder, threads, batch_size)
        return engine

    return EngineKind(name, package, layout, convert, load, formats)


OPENVINO, ONNXRUNTIME = "openvino", "onnxruntime"

CONVERTING = {
    kind.name: kind
    for kind in (
        _in_module(OPENVINO, "openvino", 1, "pipelines.engines.openvino_engine", ("keras", "onnx")),
        _in_module("ncnn", "ncnn", 3, "pipelines.engines.ncnn"),
        _in_module(
            ONNXRUNTIME, "onnxruntime", 1, "pipelines.engines.onnxruntime_engine", ("onnx",)
        ),
    )
}
"""All engines but Keras, by name: a new one is a module with `convert` and `load`, and a line here.
"""

KERAS = "keras"
OPENVINO = "openvino"
AUTO = "auto"
ENGINES = (AUTO, KERAS, *CONVERTING)
