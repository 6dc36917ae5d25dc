"""An epoch of fine-tuning on stored features, and one of the whole Keras model on images, in turn.

Both train VGG16's block5 and the same head, with the same kind of optimizer and in batches of 20.
The plain way has its images in memory, decoded and preprocessed; this project has the features of
the layer it cuts at. Pixels and weights are random: speed does not depend on them. The first
epoch of a training, which compiles it, is not counted.
"""

import contextlib
import io
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.alternating import hold_against_first, spread, take_in_turn
from benchmarks.result import Result, Table, show
from classifiers.data.training_set import HeldSet
from classifiers.heads.dense import DenseHead
from classifiers.heads.finetune import FineTuneHead
from pipelines.bases import WeightsRequest
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.contract import Contract
from pipelines.engines.keras_engine import KerasEngine
from pipelines.engines.opening import open_base
from pipelines.errors import UsageError
from pipelines.system.keras_backend import load_keras

WEIGHTS = WeightsRequest("random", seed=0)
CUT = "block4_pool"
RATE = 1e-5
PLAIN = "the whole model on images"
OURS = "this project on stored features"


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_epochs, argv)


def _epochs(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.finetune_epochs", description=__doc__)
    parser.add_argument("--images", type=positive_number, default=400)
    parser.add_argument("--image_size", type=positive_number, default=150)
    parser.add_argument("--epochs", type=positive_number, default=3, help="of each training")
    parser.add_argument("--repeats", type=positive_number, default=3)
    parser.add_argument("--json", type=local_path, help="also write the result here")
    options = parser.parse_args(argv)
    if options.epochs < 2:
        raise UsageError("--epochs 1: take at least 2, the first one is not counted")
    ways = _make(options.images, options.image_size, options.epochs)
    seconds = take_in_turn({PLAIN: ways.plain, OURS: ways.ours}, options.repeats)
    timings = hold_against_first(seconds)
    rows = [
        (way, each.median_seconds, *spread([1.0 / ratio for ratio in each.ratios]))
        for way, each in timings.items()
    ]
    columns = ("way", "median s an epoch", "share", "least", "most")
    settings = {name: getattr(options, name) for name in ("images", "image_size", "repeats")}
    table = Table("VGG16's block5 and a dense head, batches of 20", columns, rows)
    show(Result("Fine-tuning", settings, [table], seconds), options.json)


@dataclass(frozen=True, slots=True)
class _Ways:
    """Both ways, ready to be timed; each gives its median seconds an epoch."""

    plain: Callable[[], float]
    ours: Callable[[], float]


def _make(images: int, size: int, epochs: int) -> _Ways:
    loaded = open_base("VGG16", size, WEIGHTS)
    contract = Contract(
        base="VGG16",
        weights=loaded.fingerprint,
        image_size=size,
        interpolation="bilinear",
        orientation="ignored",
        preprocessing="imagenet",
        layer=CUT,
        pooling="none",
        compute_dtype="float32",
        precision="float32",
    )
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (images, size, size, 3), dtype=np.uint8)
    targets = np.arange(images) % 2
    engine = KerasEngine(loaded.model, contract, 32)
    starts = range(0, images, 32)
    features = np.concatenate([engine.extract(pixels[start : start + 32]) for start in starts])
    train = HeldSet(features, targets)
    head = FineTuneHead(DenseHead(epochs=1), contract, WEIGHTS, None, RATE, epochs)
    prepared = load_keras().applications.vgg16.preprocess_input(pixels.astype(np.float32))
    return _Ways(
        lambda: _plain(prepared, targets, epochs),
        lambda: _ours(head, train),
    )


def _plain(images: npt.NDArray[np.float32], targets: npt.NDArray[np.int64], epochs: int) -> float:
    keras = load_keras()
    head = DenseHead()
    base = keras.applications.VGG16(include_top=False, weights=None, input_shape=images.shape[1:])
    for layer in base.layers:
        layer.trainable = layer.name.startswith("block5")
    model = keras.Sequential(
        [
            base,
            keras.layers.Flatten(),
            keras.layers.Dense(head.units, activation="relu"),
            keras.layers.Dropout(head.dropout),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.RMSprop(RATE), "binary_crossentropy", metrics=["accuracy"])
    stamps: list[float] = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: stamps.append(time.perf_counter())
    )
    model.fit(
        images, targets, batch_size=head.batch_size, epochs=epochs, callbacks=[note], verbose=0
    )
    return _median_step(stamps)


def _ours(head: FineTuneHead, train: HeldSet) -> float:
    stamps = _Stamps(re.compile(rf"epoch \d+ of {head.epochs}\b"))
    with contextlib.redirect_stderr(stamps):
        head.fit(train, None, 2, None, seed=0)
    return _median_step(stamps.taken)


class _Stamps(io.StringIO):
    """Notes when a line is written that begins so."""

    def __init__(self, beginning: re.Pattern[str]) -> None:
        super().__init__()
        self.taken: list[float] = []
        self._beginning = beginning

    def write(self, text: str) -> int:
        if self._beginning.match(text):
            self.taken.append(time.perf_counter())
        return super().write(text)


def _median_step(stamps: Sequence[float]) -> float:
    return statistics.median(float(step) for step in np.diff(stamps))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
