"""The literature's head: a dense layer with dropout on top of the frozen base, in Keras."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from classifiers.heads.dense_epochs import Schedule, train_epochs
from classifiers.heads.fused_rmsprop import fuse_rmsprop
from classifiers.heads.head import History, Judgement
from classifiers.training_set import TrainingSet
from pipelines.backend import load_keras
from pipelines.errors import ModelError

if TYPE_CHECKING:
    import keras

PREDICT_BATCH = 1024

STEPS_AT_ONCE = 100
"""Steps that TensorFlow makes between two looks into Python, where Ctrl-C is noticed."""


@dataclass(frozen=True, slots=True)
class DenseHead:
    """Dense, dropout, sigmoid or softmax; RMSprop at a low rate.

    The defaults are Chollet's (Deep Learning with Python, 2017, section 5.3.1).

    Attributes:
        units: width of the hidden layer.
        dropout: share of hidden units dropped in training.
        learning_rate: of RMSprop.
        epochs: passes over the training split.
        batch_size: images a step.
    """

    units: int = 256
    dropout: float = 0.5
    learning_rate: float = 2e-5
    epochs: int = 30
    batch_size: int = 20
    name: str = "dense"

    @property
    def streams(self) -> bool:
        """See `Head.streams`."""
        return True

    def settings(self) -> dict[str, Any]:
        """See `Head.settings`."""
        return asdict(self)

    def check(self, rows: int) -> None:
        """Any size will do."""

    def memory(self, train_bytes: int, validation_bytes: int) -> int:
        """See `Head.memory`: Keras keeps copies of the arrays that it is given."""
        return 3 * (train_bytes + validation_bytes)

    def fit(
        self,
        train: TrainingSet,
        validation: TrainingSet | None,
        classes: int,
        class_weight: Mapping[int, float] | None,
        seed: int,
    ) -> tuple["FittedDense", History]:
        """See `Head.fit`."""
        keras = load_keras()
        keras.utils.set_random_seed(seed)
        model = self._build(train.length, classes)
        schedule = Schedule(self.epochs, self.batch_size, class_weight, seed)
        epochs = train_epochs(model, train, validation, schedule)
        if not all(math.isfinite(value) for value in epochs[-1].values()):
            raise ModelError(
                "the training diverged: its loss is no finite number any more; lower "
                f"--learning_rate, which is {self.learning_rate:g}"
            )
        return FittedDense(model), epochs

    def _build(self, length: int, classes: int) -> "keras.Model":
        keras = load_keras()
        two = classes == 2
        model = keras.Sequential(
            [
                keras.Input((length,)),
                keras.layers.Dense(self.units, activation="relu"),
                keras.layers.Dropout(self.dropout),
                keras.layers.Dense(
                    1 if two else classes, activation="sigmoid" if two else "softmax"
                ),
            ]
        )
        optimizer = keras.optimizers.RMSprop(learning_rate=self.learning_rate)
        compiled = keras.backend.backend() == "tensorflow"
        model.compile(
            optimizer=optimizer,
            loss="binary_crossentropy" if two else "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            steps_per_execution=STEPS_AT_ONCE if compiled else 1,
        )
        if compiled:
            fuse_rmsprop(optimizer, model.trainable_variables)
        return model


class FittedDense:
    """A trained dense head."""

    file_name = "model.keras"

    def __init__(self, model: "keras.Model") -> None:
        self._model = model

    @classmethod
    def load(cls, folder: Path) -> "FittedDense":
        """Read back what `save` wrote; safe mode refuses code in the file."""
        keras = load_keras()
        path = folder / cls.file_name
        return cls(keras.models.load_model(path, compile=False, safe_mode=True))

    def judge(self, features: npt.NDArray[np.float32]) -> Judgement:
        """See `FittedHead.judge`; the scores are the probabilities."""
        starts = range(0, len(features), PREDICT_BATCH)
        outputs = [
            self._model.predict_on_batch(features[start : start + PREDICT_BATCH])
            for start in starts
        ]
        probabilities = np.concatenate(outputs).astype(np.float64)
        if probabilities.shape[1] == 1:
            probabilities = np.hstack([1.0 - probabilities, probabilities])
        return Judgement(probabilities.argmax(axis=1), probabilities, probabilities)

    def save(self, folder: Path) -> None:
        """See `FittedHead.save`."""
        self._model.save(folder / self.file_name)
