"""One of scikit-learn's classifiers for each label against its absence, on features scaled once."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import StreamedSet, TrainingSet
from classifiers.heads.course import Course
from classifiers.heads.head import History
from classifiers.heads.kernel_svm import decision_function
from classifiers.heads.scikit import FittedScikit, ScikitHead, make_classifier, make_scaler
from classifiers.heads.several.head import Opinion
from pipelines.cli import log
from pipelines.errors import ModelError


@dataclass(frozen=True, slots=True)
class OneVsRest:
    """A head of one label, trained once for each label.

    Attributes:
        head: the scaler, and the classifier of each label.
    """

    head: ScikitHead

    @property
    def name(self) -> str:
        """See `SeveralHead.name`."""
        return self.head.name

    @property
    def streams(self) -> bool:
        """See `Head.streams`."""
        return False

    def settings(self) -> dict[str, Any]:
        """See `Head.settings`."""
        return self.head.settings()

    def check(self, rows: int) -> None:
        """See `Head.check`."""
        self.head.check(rows)

    def memory(self, train_bytes: int, validation_bytes: int) -> int:
        """See `Head.memory`; the labels are fitted one after the other."""
        return self.head.memory(train_bytes, validation_bytes)

    def fit(
        self,
        train: TrainingSet,
        validation: TrainingSet | None,
        labels: int,
        class_weight: str,
        seed: int,
        course: Course,
    ) -> tuple["FittedOneVsRest", History]:
        """See `SeveralHead.fit`; the history is empty."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline

        if isinstance(train, StreamedSet):
            raise TypeError("a head that does not stream was given a stream")
        weight = None if class_weight == "none" else class_weight
        scaler = make_scaler(self.head.scaler)
        each = make_classifier(self.head.name, self.head.c, weight, seed)
        steps = [] if scaler is None else [scaler]
        model = make_pipeline(*steps, OneVsRestClassifier(each))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            model.fit(train.features, train.targets)
        converged = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
        if not converged:
            log(f"{self.name} stopped before it converged; a smaller --C helps")
        return FittedOneVsRest(model, converged), []


class FittedOneVsRest:
    """A trained pipeline whose last step holds a classifier for each label.

    Attributes:
        converged: see `Converging`.
    """

    file_name: ClassVar[str] = FittedScikit.file_name

    def __init__(self, pipeline: Any, converged: bool | None = None) -> None:  # noqa: ANN401 - scikit-learn is untyped
        self._pipeline = pipeline
        self.converged = converged

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `FittedScikit.load`."""
        return cls(FittedScikit.read(folder / cls.file_name))

    @property
    def length(self) -> int | None:
        """See `FittedHead.length`."""
        return int(self._pipeline.n_features_in_)

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """See `FittedHead.input_shape`."""
        return (int(self._pipeline.n_features_in_),)

    @property
    def outputs(self) -> int:
        """See `FittedSeveral.outputs`."""
        return len(self._pipeline[-1].estimators_)

    @property
    def has_probabilities(self) -> bool:
        """See `Opinion`."""
        return hasattr(self._pipeline, "predict_proba")

    def is_finite(self) -> bool:
        """See `FittedHead.is_finite`; also whether it answers at all, and one score a label."""
        scores = self.opine(np.zeros((1, *self.input_shape), np.float32)).scores  # type: ignore[arg-type]
        if scores.shape != (1, self.outputs):
            raise ModelError(f"it gives scores of shape {scores.shape} for an image")
        return bool(np.isfinite(scores).all())

    def opine(self, features: npt.NDArray[np.float32]) -> Opinion:
        """See `FittedSeveral.opine`; distances are from each label's surface."""
        decided = decision_function(self._pipeline, features)
        return Opinion(decided.reshape(len(features), -1), self.has_probabilities)

    def save(self, folder: Path) -> None:
        """See `FittedHead.save`."""
        from skops import io

        io.dump(self._pipeline, folder / self.file_name)
