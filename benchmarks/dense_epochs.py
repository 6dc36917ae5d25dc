"""The dense head against plain `model.fit` of the same model on the same features, in turn.

`python -m benchmarks.dense_epochs --table FEATURES` compares seconds an epoch, losses epoch by
epoch, and final accuracies over seeds.
"""

import argparse
import contextlib
import io
import time

import numpy as np

from classifiers.data.encoding import classes_of
from classifiers.data.row_groups import find_rows
from classifiers.data.training_set import HeldSet, hold, labelled_rows
from classifiers.heads.dense import DenseHead
from pipelines.cli import local_path, write_json
from pipelines.reports import format_table
from pipelines.system.keras_backend import load_keras
from pipelines.table.feature_table import FeatureTable

History = list[dict[str, float]]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="features of two classes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=DenseHead().epochs)
    parser.add_argument("--repeats", type=int, default=5, help="of the timing of few epochs")
    parser.add_argument("--json", type=local_path)
    options = parser.parse_args()
    train, validation = _sets(options.table)

    rows, result = [], []
    for seed in range(options.seeds):
        ours, plain = (fit(train, validation, seed, options.epochs) for fit in (_ours, _plain))
        worst = max(_difference(a, b) for a, b in zip(ours, plain, strict=True))
        finals = (ours[-1]["val_accuracy"], plain[-1]["val_accuracy"])
        rows.append((seed, *finals, worst))
        result.append({"seed": seed, "ours": ours, "plain": plain})
    print(format_table(rows, ("seed", "ours", "model.fit", "largest difference of a loss")))

    few = 6
    seconds: dict[str, list[float]] = {}
    for name, fit in (("model.fit", _plain), ("ours", _ours)) * options.repeats:
        stamps: list[float] = []
        fit(train, validation, 0, few, stamps)
        # The first epoch traces the graph.
        seconds.setdefault(name, []).append(float(np.median(np.diff(stamps))))
    ratios = [a / b for a, b in zip(seconds["ours"], seconds["model.fit"], strict=True)]
    print(
        f"seconds an epoch: model.fit {np.median(seconds['model.fit']):.3f}, "
        f"ours {np.median(seconds['ours']):.3f}, ratio {np.median(ratios):.3f} "
        f"({min(ratios):.3f} to {max(ratios):.3f})"
    )
    write_json(options.json, {"seeds": result, "seconds": seconds, "ratios": ratios})


def _sets(location: str) -> tuple[HeldSet, HeldSet]:
    table = FeatureTable.open(location)
    rows = find_rows(table, "train")
    classes = classes_of(rows.labels())
    validation = labelled_rows(find_rows(table, "validation"), classes, "validation")
    return hold(labelled_rows(rows, classes, "train")), hold(validation)


def _ours(
    train: HeldSet, validation: HeldSet, seed: int, epochs: int, stamps: list[float] | None = None
) -> History:
    with contextlib.redirect_stderr(_Stamps(stamps)):
        _, history = DenseHead(epochs=epochs).fit(train, validation, 2, None, seed)
    return [dict(row) for row in history]


class _Stamps(io.StringIO):
    """Notes when each epoch's line is written."""

    def __init__(self, stamps: list[float] | None) -> None:
        super().__init__()
        self._stamps = stamps

    def write(self, text: str) -> int:
        if self._stamps is not None and text.startswith("epoch"):
            self._stamps.append(time.perf_counter())
        return super().write(text)


def _plain(
    train: HeldSet, validation: HeldSet, seed: int, epochs: int, stamps: list[float] | None = None
) -> History:
    """What the project did before: Keras's own optimizer, arrays, and its own defaults."""
    keras = load_keras()
    keras.utils.set_random_seed(seed)
    head = DenseHead()
    model = keras.Sequential(
        [
            keras.Input((train.length,)),
            keras.layers.Dense(head.units, activation="relu"),
            keras.layers.Dropout(head.dropout),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate=head.learning_rate),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    history: History = []

    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(train.targets))
        fitted = model.fit(
            train.features[order],
            train.targets[order],
            batch_size=head.batch_size,
            validation_data=(validation.features, validation.targets),
            shuffle=False,
            verbose=0,
        )
        history.append({"epoch": epoch + 1, **{k: v[0] for k, v in fitted.history.items()}})
        if stamps is not None:
            stamps.append(time.perf_counter())
    return history


def _difference(ours: dict[str, float], plain: dict[str, float]) -> float:
    """Largest relative difference of the two losses of an epoch."""
    return max(abs(ours[name] / plain[name] - 1.0) for name in ("loss", "val_loss"))


if __name__ == "__main__":
    main()
