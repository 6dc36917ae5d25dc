"""k nearest neighbours: the images most like one in training vote on its class."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import TrainingSet
from classifiers.heads.head import History, Judgement
from classifiers.heads.kind import HeadKind, HeadOption
from classifiers.heads.neighbours import blocks_of, nearest, unit_rows
from pipelines.cli import positive_number, positive_real
from pipelines.errors import ModelError, TableError, UsageError

HELD_BYTES = 2**30
"""A model's vectors are in memory up to that size; larger ones are read for every batch."""


@dataclass(frozen=True, slots=True)
class KnnHead:
    """The k images with the highest cosine vote, each with exp(cosine / temperature).

    The recipe and its defaults are those of DINOv2's evaluation (Oquab et al., "DINOv2: Learning
    Robust Visual Features without Supervision", 2023, and Wu et al., "Unsupervised Feature Learning
    via Non-Parametric Instance Discrimination", 2018, section 3.4).

    Attributes:
        k: neighbours that vote.
        temperature: how much nearer ones count for more.
    """

    k: int = 20
    temperature: float = 0.07
    name: str = "knn"

    @property
    def streams(self) -> bool:
        """See `Head.streams`."""
        return True

    def settings(self) -> dict[str, Any]:
        """See `Head.settings`."""
        return asdict(self)

    def check(self, rows: int) -> None:
        """See `Head.check`; refuses more neighbours than there are rows."""
        if rows < self.k:
            raise UsageError(
                f"--k {self.k} neighbours are more than the {rows} rows of the training split"
            )

    def memory(self, train_bytes: int, validation_bytes: int) -> int:
        """See `Head.memory`; unit vectors are a second copy."""
        return 2 * train_bytes + validation_bytes

    def fit(
        self,
        train: TrainingSet,
        validation: TrainingSet | None,
        classes: int,
        class_weight: Mapping[int, float] | None,
        seed: int,
    ) -> tuple["FittedKnn", History]:
        """See `Head.fit`; nothing is learned, the vectors are kept. The history is empty.

        Raises:
            TableError: all features are zero, so that no image is near another.
        """
        weights = np.ones(classes)
        for number, weight in (class_weight or {}).items():
            weights[number] = weight
        kept = _Kept.new(len(train.targets), train.length)
        start = 0
        targets = np.empty(len(train.targets), np.int64)
        zeros = wrong = 0
        for features, part in train.batches():
            finite, vectors = finite_unit_rows(features)
            zeros += int((~vectors.any(axis=1)).sum())
            wrong += int((~finite).sum())
            kept.vectors[start : start + len(part)] = vectors
            targets[start : start + len(part)] = part
            start += len(part)
        if wrong:
            raise TableError(
                f"features of {wrong} rows are no finite numbers; extract these images again"
            )
        if zeros == start:
            raise TableError(
                "all features are zero, so no image is nearer than another; extract them again"
            )
        kept.file.create_dataset("targets", data=targets)
        kept.file.create_dataset("weights", data=weights)
        kept.file.attrs.update(k=self.k, temperature=self.temperature)
        return FittedKnn(kept), []


class _Kept:
    """An HDF5 file that holds a model, which is never in memory as a whole."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401 - h5py is untyped
        self.file = file

    @classmethod
    def new(cls, rows: int, length: int) -> Self:
        """One without a name, which goes when nobody holds it any more."""
        import h5py

        with tempfile.TemporaryDirectory(prefix="frozen-features-") as folder:
            file = h5py.File(Path(folder) / FittedKnn.file_name, "w")
        file.create_dataset("vectors", (rows, length), np.float32)
        return cls(file)

    @property
    def vectors(self) -> Any:  # noqa: ANN401
        """Float32 (rows, length), of length 1 each, read as they are sliced."""
        return self.file["vectors"]


class FittedKnn:
    """Vectors of the training images, their classes, and how they vote."""

    file_name: ClassVar[str] = "model.h5"

    def __init__(self, kept: _Kept) -> None:
        self._kept = kept
        try:
            self._targets = np.asarray(kept.file["targets"][:], np.int64)
            self._weights = np.asarray(kept.file["weights"][:], np.float64)
            self._k = int(kept.file.attrs["k"])
            self._temperature = float(kept.file.attrs["temperature"])
            rows, self._length = (int(size) for size in kept.vectors.shape)
            elsewhere = kept.vectors.external or kept.vectors.is_virtual
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"it is no model of nearest neighbours: {error}") from error
        numbered = len(self._targets) == rows and (
            (self._targets >= 0) & (self._targets < len(self._weights))
        )
        if elsewhere:
            raise ModelError("its vectors are in another file")
        if not (0 < self._k <= rows and self._temperature > 0.0 and np.all(numbered)):
            raise ModelError("its vectors, classes and number of neighbours do not fit together")
        held = 4 * rows * self._length <= HELD_BYTES
        self._vectors = kept.vectors[:] if held else kept.vectors

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `FittedHead.load`; the vectors stay in the file."""
        import h5py

        return cls(_Kept(h5py.File(folder / cls.file_name, "r")))

    @property
    def length(self) -> int | None:
        """See `FittedHead.length`."""
        return self._length

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """See `FittedHead.input_shape`."""
        return (self._length,)

    @property
    def outputs(self) -> int:
        """See `FittedHead.outputs`."""
        return len(self._weights)

    def is_finite(self) -> bool:
        """See `FittedHead.is_finite`."""
        finite = np.isfinite(self._weights).all()
        return bool(finite and all(np.isfinite(b).all() for b in blocks_of(self._vectors)))

    def judge(self, features: npt.NDArray[np.float32]) -> Judgement:
        """See `FittedHead.judge`; probabilities are shares of the votes, and 0 for many classes.

        An image whose features are all zero is near none: its classes are equally likely.
        """
        finite, queries = finite_unit_rows(features)
        cosines, places = nearest(blocks_of(self._vectors), queries, self._k)
        probabilities = votes(cosines, self._targets[places], self._weights, self._temperature)
        probabilities[np.logical_not(queries.any(axis=1))] = 1.0 / self.outputs
        probabilities[np.logical_not(finite)] = np.nan
        return Judgement(probabilities.argmax(axis=1), probabilities, probabilities)

    def save(self, folder: Path) -> None:
        """See `FittedHead.save`."""
        import h5py

        with h5py.File(folder / self.file_name, "w") as copy:
            for name in ("vectors", "targets", "weights"):
                self._kept.file.copy(self._kept.file[name], copy, name)
            copy.attrs.update(k=self._k, temperature=self._temperature)


def votes(
    cosines: npt.NDArray[np.float32],
    classes: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    temperature: float,
) -> npt.NDArray[np.float64]:
    """Each class's share of the votes, float64 (n, classes).

    Args:
        cosines: float32 (n, k), of the neighbours, descending.
        classes: int64 (n, k), theirs.
        weights: float64 (classes,).
        temperature: see `KnnHead`.
    """
    # The highest cosine is taken from all: the largest exponent is 0 then.
    with np.errstate(over="ignore"):
        exponents = (cosines - cosines[:, :1]).astype(np.float64) / temperature
    found = np.zeros((len(cosines), len(weights)))
    rows = np.repeat(np.arange(len(cosines)), cosines.shape[1])
    np.add.at(found, (rows, classes.ravel()), np.exp(exponents).ravel())
    found *= weights
    shares: npt.NDArray[np.float64] = found / found.sum(axis=1, keepdims=True)
    return shares


def finite_unit_rows(
    features: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """Which rows are finite numbers, and all as `unit_rows` has them, with zeros for the others."""
    finite: npt.NDArray[np.bool_] = np.asarray(np.isfinite(features).all(axis=1))
    return finite, unit_rows(np.where(finite[:, None], features, np.float32(0.0)))


KIND = HeadKind(
    "knn",
    ("nearest neighbours", "The images of training with the highest cosine vote."),
    (
        HeadOption("k", positive_number, "neighbours that vote", default=20),
        HeadOption(
            "temperature", positive_real, "the lower, the more the nearest count", default=0.07
        ),
    ),
    lambda given, _contract: KnnHead(**given),
    FittedKnn,
)
