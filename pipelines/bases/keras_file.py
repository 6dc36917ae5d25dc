"""A `.keras` file as a base: no code in it, flat, cut at a layer, fingerprinted."""

import hashlib
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.bases.cutting import cut
from pipelines.bases.fingerprints import fingerprint
from pipelines.bases.keras_archive import check_archive
from pipelines.contract import KERAS_FILE
from pipelines.errors import BaseFileError, UsageError
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras

IMAGE_RANK = 4

_NO_MATTER = frozenset({"name", "trainable", "registered_name", "build_config", "seed"})
_NO_MATTER_ENDS = ("_initializer", "_regularizer", "_constraint")
"""What of a layer's configuration has no part in what it computes."""


def look_at_keras_file(path: Path, layer: str | None) -> dict[str, Any]:
    """What a file is as a base: `fingerprint`, `layer`, `size` (None for any).

    Raises:
        BaseFileError: it is no base.
        UsageError: it has no such layer.
    """
    model = open_keras_file(path)
    layer = layer or model.layers[-1].name
    return {
        "fingerprint": fingerprint_at(model, layer),
        "layer": layer,
        "size": model.input_shape[1] or model.input_shape[2],
    }


def open_keras_file(path: Path) -> "keras.Model":
    """Open a file as a frozen model whose layers are all its own, none within another model.

    Raises:
        BaseFileError: it is no base.
    """
    check_archive(path)
    keras = load_keras()
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds for a file that it cannot read
        said = " ".join(str(error).split())[:200]
        raise BaseFileError(
            f"{path} is no model that Keras {keras.__version__} opens: {said}"
        ) from error
    _check_input(model, path)
    model = _flat(model)
    model.trainable = False
    return model


def fingerprint_at(model: "keras.Model", layer: str) -> str:
    """SHA-256 over a model's operations and tensors up to a layer; names have no part in it.

    Raises:
        UsageError: it has no such layer.
    """
    part = cut(model, layer, "none")
    places = {each["config"]["name"]: place for place, each in enumerate(_layers(part))}
    structure = [
        [each["class_name"], _plain(each["config"], places), _plain(each["inbound_nodes"], places)]
        for each in _layers(part)
    ]
    text = json.dumps(structure, sort_keys=True, default=str)
    tensors = fingerprint(variable.numpy() for variable in part.weights)
    return hashlib.sha256(f"{text} {tensors}".encode()).hexdigest()


def _layers(model: "keras.Model") -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = model.get_config()["layers"]
    return layers


def _plain(value: Any, places: dict[str, int]) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        if "keras_history" in value:
            name, *rest = value["keras_history"]
            return [places[name], *rest]
        return {
            key: _plain(each, places)
            for key, each in value.items()
            if key not in _NO_MATTER and not key.endswith(_NO_MATTER_ENDS)
        }
    if isinstance(value, list | tuple):
        return [_plain(each, places) for each in value]
    return value


def _flat(model: "keras.Model") -> "keras.Model":
    """The same layers and weights, those of models within the model among them.

    Two of one name cannot be side by side; then the model stays as it is.
    """
    keras = load_keras()
    within = (keras.Sequential, type(keras.Model(model.inputs, model.outputs)))

    def call(layer: Any, *inputs: Any, **settings: Any) -> Any:  # noqa: ANN401 - Keras's own
        return (layer.call if isinstance(layer, within) else layer)(*inputs, **settings)

    def call_with_what_it_takes(layer: Any, *inputs: Any, **settings: Any) -> Any:  # noqa: ANN401
        # Files of Keras 2 say `training` at sums too, which Keras 3 refuses to run.
        taken = inspect.signature(layer.call).parameters
        return layer(*inputs, **{name: settings[name] for name in settings.keys() & taken.keys()})

    for _ in range(8):
        if not any(isinstance(layer, within) for layer in model.layers):
            break
        try:
            model = keras.models.clone_model(
                model, clone_function=lambda layer: layer, call_function=call
            )
        except ValueError:
            break
    # Anew: a layer that was in a model within has an output there too.
    chain = isinstance(model, keras.Sequential)  # which calls its layers with nothing else
    flat = keras.models.clone_model(model, call_function=None if chain else call_with_what_it_takes)
    flat.set_weights(model.get_weights())
    for layer in flat.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with a copy of its weights, made here
    return keras.Model(flat.inputs[0], flat.outputs[0], name=KERAS_FILE)


def _check_input(model: "keras.Model", path: Path) -> None:
    shapes = [tuple(each.shape) for each in model.inputs]
    if len(shapes) != 1 or len(shapes[0]) != IMAGE_RANK or shapes[0][3] not in (3, None):
        said = " and ".join(" x ".join("?" if n is None else str(n) for n in s) for s in shapes)
        raise BaseFileError(
            f"{path} takes no image: it takes {said or 'nothing'}, and one image (batch, height, "
            "width, 3) is wanted"
        )
    height, width = shapes[0][1:3]
    if height != width:
        raise BaseFileError(
            f"{path} takes images {height} pixels high and {width} wide; images here are square"
        )
    if len(model.outputs) != 1:
        raise BaseFileError(f"{path} has {len(model.outputs)} outputs, and one is wanted")


def refuse_other_size(path: str | None, size: int | None, wanted: int | None) -> None:
    """Refuse another size than a `.keras` file is for.

    Raises:
        UsageError: it is for another one.
    """
    if size is not None and wanted not in (None, size):
        raise UsageError(f"{path} takes images of {size} pixels, not --image_size {wanted}")
