"""The baselines: scaled features and a linear or kernel model of scikit-learn."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import StreamedSet, TrainingSet
from classifiers.heads.answers import Answers, Scaling, linear
from classifiers.heads.head import History, Judgement
from classifiers.heads.kernel_svm import decision_function
from classifiers.heads.kind import HeadKind, HeadOption
from classifiers.heads.out_of_core import STREAMING, fit_out_of_core
from pipelines.cli import log, positive_real
from pipelines.errors import ModelError, UsageError

RBF_ROWS = 20_000
"""Most training rows of an RBF SVM: its time grows with their square, and past this into hours."""

ITERATIONS = 1000

COPIES = {"logistic": 3.25, "linear_svm": 8.0, "ridge": 3.25, "rbf_svm": 6.0}
"""Memory that fitting takes at most, by the size of the features, which are counted in.

Measured on 6,000 rows of 8192: standardising takes the place of two more copies and a mask,
LIBLINEAR and LIBSVM make float64 of the result and then nodes of their own.
"""


Weight = dict[int, float] | str | None
"""Of classes, by number; "balanced"; None when all are alike."""

STANDARDISE = "standardise"
SCALERS = (STANDARDISE, "l2", "none")
"""What is done to features first: mean 0 and variance 1 of each; length 1 of each row; nothing."""


def make_scaler(name: str) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    """The step of a pipeline that one of `SCALERS` stands for; None for "none"."""
    from sklearn.preprocessing import Normalizer, StandardScaler

    return {STANDARDISE: StandardScaler, "l2": Normalizer}[name]() if name != "none" else None


@dataclass(frozen=True, slots=True)
class ScikitHead:
    """A scaler, then one of scikit-learn's classifiers.

    Attributes:
        name: "logistic", "linear_svm", "ridge" or "rbf_svm".
        c: inverse strength of the regularisation.
        scaler: one of `SCALERS`.
    """

    name: str
    c: float
    scaler: str = STANDARDISE

    def settings(self) -> dict[str, Any]:
        """See `Head.settings`."""
        standardised = self.scaler == STANDARDISE
        other = {} if standardised else {"scaler": self.scaler}
        return {"name": self.name, "C": self.c, "standardised": standardised, **other}

    def check(self, rows: int) -> None:
        """See `Head.check`; only the RBF SVM has a limit."""
        if self.name == "rbf_svm" and rows > RBF_ROWS:
            raise UsageError(
                f"rbf_svm takes at most {RBF_ROWS:,} training rows, its time grows with their "
                f"square; this split has {rows:,}: use --head linear_svm or logistic"
            )

    @property
    def streams(self) -> bool:
        """See `Head.streams`; a kernel SVM compares all rows with all others."""
        return self.name in STREAMING and self.scaler == STANDARDISE

    def memory(self, train_bytes: int, validation_bytes: int) -> int:
        """See `Head.memory`."""
        return round(COPIES[self.name] * train_bytes) + validation_bytes

    def fit(
        self,
        train: TrainingSet,
        validation: TrainingSet | None,
        classes: int,
        class_weight: Mapping[int, float] | None,
        seed: int,
    ) -> tuple["FittedScikit", History]:
        """See `Head.fit`; the history is empty."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.pipeline import make_pipeline

        weight = None if class_weight is None else dict(class_weight)
        scaler = make_scaler(self.scaler)
        steps = [] if scaler is None else [scaler]
        model = make_pipeline(*steps, make_classifier(self.name, self.c, weight, seed))
        if isinstance(train, StreamedSet):
            converged = fit_out_of_core(model, self.name, train, classes, class_weight)
        else:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", ConvergenceWarning)
                model.fit(train.features, train.targets)
            converged = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
        if not converged:
            log(f"{self.name} stopped before it converged; a smaller --C helps")
        return FittedScikit(model, converged), []


class FittedScikit:
    """A trained scikit-learn pipeline.

    Attributes:
        converged: see `Converging`.
    """

    file_name: ClassVar[str] = "model.skops"

    def __init__(self, pipeline: Any, converged: bool | None = None) -> None:  # noqa: ANN401 - scikit-learn is untyped
        self._pipeline = pipeline
        self.converged = converged

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote.

        Raises:
            ModelError: the file holds types other than scikit-learn's own, which might run code.
        """
        return cls(cls.read(folder / cls.file_name))

    @staticmethod
    def read(path: Path) -> Any:  # noqa: ANN401 - scikit-learn is untyped
        """A pipeline that is in a file.

        Raises:
            ModelError: as `load` does.
        """
        from skops import io

        strangers = io.get_untrusted_types(file=path)
        if strangers:
            raise ModelError(
                f"{path} holds types that are not trusted: {', '.join(strangers)}; train it "
                "again, and use no model of somebody whom you do not trust"
            )
        return io.load(path)

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
        """See `FittedHead.outputs`."""
        numbers = list(self._pipeline.classes_)
        if numbers != list(range(len(numbers))):
            raise ModelError(f"its classes are {numbers}, not numbered from 0")
        return len(numbers)

    def is_finite(self) -> bool:
        """See `FittedHead.is_finite`; also whether it answers at all, and one score a class."""
        judged = self.judge(np.zeros((1, *self.input_shape), np.float32))  # type: ignore[arg-type]
        given = [judged.scores, judged.probabilities]
        shapes = {each.shape for each in given if each is not None}
        if shapes != {(1, self.outputs)} or not 0 <= judged.predicted[0] < self.outputs:
            raise ModelError(f"it gives scores of shape {judged.scores.shape} for an image")
        return all(np.isfinite(each).all() for each in given if each is not None)

    def judge(self, features: npt.NDArray[np.float32]) -> Judgement:
        """See `FittedHead.judge`.

        Distances are from the separating surface, for two classes the second's and its negative;
        of a kernel SVM of more classes they are the pairs that a class won, and between classes
        that won as many, by how much.
        """
        decided = decision_function(self._pipeline, features)
        distances = np.column_stack([-decided, decided]) if decided.ndim == 1 else decided
        if hasattr(self._pipeline, "predict_proba"):
            return Judgement.of_logits(decided, distances)
        # As scikit-learn's own `predict`, but for a kernel SVM's ties of votes: there it takes the
        # class that comes first, unless `break_ties` is set.
        return Judgement(distances.argmax(axis=1), distances, None)

    def as_network(self) -> Answers:
        """See `Exportable.as_network`; only linear classifiers can be had so."""
        *scalers, classifier = (step for _, step in self._pipeline.steps)
        scaling = _scaling_of(scalers, int(self._pipeline.n_features_in_))
        if scaling is None or not hasattr(classifier, "coef_"):
            raise UsageError(
                f"only linear heads with one of our scalers can be exported, and this "
                f"{type(classifier).__name__} is none; train --head linear_svm or logistic"
            )
        decided = linear(scaling, classifier.coef_, classifier.intercept_)
        if hasattr(self._pipeline, "predict_proba"):
            return Answers(decided, "probabilities")
        return Answers(decided, "scores")

    def save(self, folder: Path) -> None:
        """See `FittedHead.save`."""
        from skops import io

        io.dump(self._pipeline, folder / self.file_name)


def _scaling_of(scalers: Sequence[Any], length: int) -> Scaling | None:
    from sklearn.preprocessing import Normalizer, StandardScaler

    match scalers:
        case []:
            return Scaling(np.zeros(length), np.ones(length))
        case [Normalizer(norm="l2")]:
            return Scaling(np.zeros(length), np.ones(length), of_length_one=True)
        case [StandardScaler(with_mean=True, with_std=True, mean_=mean, scale_=scale)]:
            return Scaling(mean, scale)
    return None


def _logistic(c: float, weight: Weight, seed: int) -> Any:  # noqa: ANN401
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, class_weight=weight, max_iter=ITERATIONS, random_state=seed)


def _linear_svm(c: float, weight: Weight, seed: int) -> Any:  # noqa: ANN401
    from sklearn.svm import LinearSVC

    return LinearSVC(C=c, class_weight=weight, max_iter=ITERATIONS, random_state=seed)


def _ridge(c: float, weight: Weight, _seed: int) -> Any:  # noqa: ANN401
    from sklearn.linear_model import RidgeClassifier

    return RidgeClassifier(alpha=1.0 / c, class_weight=weight)


def _rbf_svm(c: float, weight: Weight, seed: int) -> Any:  # noqa: ANN401
    from sklearn.svm import SVC

    return SVC(C=c, kernel="rbf", class_weight=weight, random_state=seed, break_ties=True)


_CLASSIFIERS: dict[str, Callable[[float, Weight, int], Any]] = {
    "logistic": _logistic,
    "linear_svm": _linear_svm,
    "ridge": _ridge,
    "rbf_svm": _rbf_svm,
}


def make_classifier(name: str, c: float, weight: Weight, seed: int) -> Any:  # noqa: ANN401
    """One of scikit-learn's classifiers, untrained.

    Args:
        name: as in `ScikitHead`.
        c: inverse strength of the regularisation.
        weight: of the classes.
        seed: of its random choices.
    """
    return _CLASSIFIERS[name](c, weight, seed)


_SCALER = HeadOption(
    "scaler", str, "what is done to features first, standardise if not given", choices=SCALERS
)


def _kind(name: str, c: float) -> HeadKind:
    return HeadKind(
        name,
        ("the other heads", None),
        (HeadOption("C", positive_real, "inverse regularisation", default=c), _SCALER),
        lambda given, _contract: ScikitHead(
            name, given.get("C", c), given.get("scaler", STANDARDISE)
        ),
        FittedScikit,
    )


KINDS = (
    _kind("logistic", 1e-3),
    _kind("linear_svm", 1e-5),
    _kind("ridge", 1e-4),
    _kind("rbf_svm", 1.0),
)
