"""The layers at which a base that is a file can be cut."""

from dataclasses import dataclass

from pipelines.bases.base_file import kind_of, require_there
from pipelines.bases.keras_file import open_keras_file
from pipelines.bases.onnx_file.asking import ask
from pipelines.bases.weights_request import WeightsRequest
from pipelines.contract import ONNX_FILE


@dataclass(frozen=True, slots=True)
class FileLayer:
    """A layer.

    Attributes:
        name: as `--layer` takes it.
        operation: that gives it, in ONNX's words or Keras's.
        shape: of one image's features; None for a side that depends on the image's size.
    """

    name: str
    operation: str
    shape: tuple[int | None, ...]

    @property
    def shape_in_words(self) -> str:
        """The shape as "7 x 7 x 512", with "?" for what may be any."""
        return " x ".join("?" if side is None else str(side) for side in self.shape)


@dataclass(frozen=True, slots=True)
class FileLayers:
    """What of a file can be cut at.

    Attributes:
        size: height and width of its images in pixels; None where any will do.
        layers: in the order in which they run.
    """

    size: int | None
    layers: tuple[FileLayer, ...]


def layers_of(request: WeightsRequest) -> FileLayers:
    """List a file's layers.

    Raises:
        BaseFileError: it is no base.
        WeightsError: it is not there.
    """
    path = require_there(request)
    if kind_of(request) == ONNX_FILE:
        found = ask("layers", str(path))
        rows = [FileLayer(name, kind, tuple(shape)) for name, kind, shape in found["layers"]]
        return FileLayers(found["size"], tuple(rows))
    model = open_keras_file(path)
    return FileLayers(
        model.input_shape[1],
        tuple(
            FileLayer(layer.name, type(layer).__name__, tuple(layer.output.shape[1:]))
            for layer in model.layers[1:]
        ),
    )
