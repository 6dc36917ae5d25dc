"""A head on pooled maps, which takes the maps as the table has them."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from classifiers.data.pooled import POOLINGS, pool
from classifiers.heads.answers import Answers, Exportable
from classifiers.heads.head import FittedHead, Judgement
from pipelines.errors import ModelError, UsageError
from pipelines.system.keras_backend import load_keras


@dataclass(frozen=True, slots=True)
class Pooling:
    """How a model pools the maps that it takes.

    Attributes:
        pooling: "avg" or "max".
        places: of a map, height times width.
    """

    pooling: str
    places: int


def check_pooling(pooling: Pooling) -> None:
    """Refuse what a card cannot say of a pooling.

    Raises:
        ValueError: it does; one line says how.
    """
    if pooling.pooling not in POOLINGS[1:] or pooling.places < 1:
        raise ValueError(
            f"it says that maps of {pooling.places} places are pooled by "
            f"{pooling.pooling!r}; this version knows {', '.join(POOLINGS[1:])}"
        )


class PooledHead:
    """A trained head with the pooling before it; see `FittedHead`."""

    file_name: ClassVar[str] = ""
    """None of its own: the head is what is saved, and the card says how it pools."""

    def __init__(self, head: FittedHead, pooling: Pooling) -> None:
        """Judge maps by a head on pooled features."""
        self._head, self._pooling = head, pooling

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `FittedHead.load`; the head itself is loaded, and given its pooling."""
        raise ModelError(f"{folder} holds a head, not its pooling")

    @property
    def length(self) -> int | None:
        """See `FittedHead.length`."""
        return None if self._head.length is None else self._head.length * self._pooling.places

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """See `FittedHead.input_shape`."""
        (channels,) = self._head.input_shape
        return (None if channels is None else channels * self._pooling.places,)

    @property
    def outputs(self) -> int:
        """See `FittedHead.outputs`."""
        return self._head.outputs

    def is_finite(self) -> bool:
        """See `FittedHead.is_finite`."""
        return self._head.is_finite()

    def judge(self, features: npt.NDArray[np.float32]) -> Judgement:
        """See `FittedHead.judge`; takes maps (n, places x channels)."""
        places = self._pooling.places
        shape = (places, features.shape[1] // places)
        return self._head.judge(pool(features, shape, self._pooling.pooling))

    def as_network(self) -> Answers:
        """See `Exportable.as_network`."""
        if not isinstance(self._head, Exportable):
            raise UsageError("this head cannot be exported; train another --head")
        answers = self._head.as_network()
        keras = load_keras()
        channels = answers.network.input_shape[-1]
        average = self._pooling.pooling == "avg"
        layers = keras.layers
        features = keras.Input((self._pooling.places * channels,))
        maps = layers.Reshape((self._pooling.places, channels))(features)
        pooled = (layers.GlobalAveragePooling1D if average else layers.GlobalMaxPooling1D)()(maps)
        return Answers(keras.Model(features, answers.network(pooled)), answers.gives)

    def save(self, folder: Path) -> None:
        """See `FittedHead.save`."""
        self._head.save(folder)
