"""A base as a plain chain of convolutions and poolings, read from Keras; what ncnn is given."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipelines.bases import prepare
from pipelines.contract import Contract
from pipelines.errors import UnsuitableEngineError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Convolution:
    """A square convolution of stride 1 whose output is as large as its input.

    Attributes:
        name: the layer's.
        kernel: float32 (side, side, in, out), side odd.
        bias: float32 (out,).
        relu: whether negative results become 0.
    """

    name: str
    kernel: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    relu: bool


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The largest of each 2 x 2 pixels, without overlap; an odd last row or column is dropped."""

    name: str


Step = Convolution | MaxPool


@dataclass(frozen=True, slots=True)
class Scaling:
    """Preprocessing that is the same for every pixel: `pixel[order[c]] * scale[c] + shift[c]`.

    Attributes:
        order: the colour that each channel takes, of red (0), green (1) and blue (2).
        scale: float, by channel.
        shift: float, by channel.
    """

    order: tuple[int, int, int]
    scale: tuple[float, float, float]
    shift: tuple[float, float, float]


def read_chain(model: "keras.Model") -> list[Step]:
    """The steps of a base, first to last.

    Args:
        model: a base cut at its layer, without pooling over height and width.

    Raises:
        UnsuitableEngineError: the base branches, or has a layer that is none of `Step`.
    """
    config = model.get_config()["layers"]
    steps: list[Step] = []
    before = None
    for entry in config:
        sources = _sources(entry["inbound_nodes"])
        if before is not None and sources != [before]:
            raise UnsuitableEngineError(f"{model.name} branches at its layer {entry['name']}")
        before = entry["name"]
        if entry["class_name"] != "InputLayer":
            steps.append(_step(model.get_layer(before)))
    return steps


def read_scaling(contract: Contract) -> Scaling:
    """A contract's preprocessing in numbers, found by trying it.

    Raises:
        UnsuitableEngineError: it is not the same for every pixel, or mixes colours.
    """
    shift = prepare(contract, np.zeros((1, 1, 1, 3), np.float32))[0, 0, 0]
    colours = 255.0 * np.eye(3, dtype=np.float32)[:, None, None, :]
    reaction = (prepare(contract, colours.copy())[:, 0, 0] - shift) / 255.0
    order = np.abs(reaction).argmax(axis=0)
    scaling = Scaling(
        (int(order[0]), int(order[1]), int(order[2])),
        tuple(float(reaction[order[c], c]) for c in range(3)),  # type: ignore[arg-type]
        tuple(float(value) for value in shift),  # type: ignore[arg-type]
    )
    trial = np.random.default_rng(0).integers(0, 256, (1, 9, 7, 3), dtype=np.uint8)
    wanted = prepare(contract, trial.astype(np.float32))[0]
    if not np.allclose(scale_pixels(trial[0], scaling), wanted.transpose(2, 0, 1), atol=1e-4):
        raise UnsuitableEngineError(
            f"{contract.base}'s preprocessing is more than a scale and a shift"
        )
    return scaling


def scale_pixels(pixels: npt.NDArray[np.uint8], scaling: Scaling) -> npt.NDArray[np.float32]:
    """Preprocess one image: uint8 (height, width, 3) to float32 (3, height, width)."""
    planes = pixels.transpose(2, 0, 1)[list(scaling.order)].astype(np.float32)
    planes *= np.array(scaling.scale, np.float32)[:, None, None]
    planes += np.array(scaling.shift, np.float32)[:, None, None]
    return planes


def _sources(nodes: list[dict[str, Any]]) -> list[str]:
    tensors = [argument for node in nodes for argument in node["args"]]
    if not all(isinstance(tensor, dict) for tensor in tensors):  # a list: the layer joins branches
        return []
    return [tensor["config"]["keras_history"][0] for tensor in tensors]


def _step(layer: "keras.layers.Layer") -> Step:
    kind, config = type(layer).__name__, layer.get_config()
    if kind == "Conv2D":
        side, *other = config["kernel_size"]
        plain = (
            config["strides"] == (1, 1)
            and config["dilation_rate"] == (1, 1)
            and config["groups"] == 1
            and config["padding"] == "same"
            and config["activation"] in ("relu", "linear")
            and side % 2 == 1
            and other == [side]
        )
        if plain:
            kernel, *bias = (np.asarray(value, np.float32) for value in layer.get_weights())
            zero = np.zeros(kernel.shape[3], np.float32)
            relu = config["activation"] == "relu"
            return Convolution(layer.name, kernel, bias[0] if bias else zero, relu)
    halves = {"pool_size": (2, 2), "strides": (2, 2), "padding": "valid"}
    if kind == "MaxPooling2D" and all(config[name] == value for name, value in halves.items()):
        return MaxPool(layer.name)
    raise UnsuitableEngineError(f"no chain holds a layer like {layer.name} ({kind})")
