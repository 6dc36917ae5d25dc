"""The reference engine: Keras runs the base, preprocessing included."""

import threading
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipelines.backend import load_keras
from pipelines.bases import base_named, cut, preprocess
from pipelines.contract import Contract

if TYPE_CHECKING:
    import keras


class KerasEngine:
    """Runs a frozen base compiled for one batch shape; short batches are padded to it.

    One shape means one compilation, and features that do not depend on how many images shared a
    batch.
    """

    name = "keras"

    def __init__(self, model: "keras.Model", contract: Contract, batch_size: int) -> None:
        """Put preprocessing before the base and the contract's cut after it.

        Args:
            model: the frozen base, as `pipelines.weights.load_base` gives it.
            contract: layer, pooling, preprocessing and image size wanted.
            batch_size: images a call.
        """
        self._base, self._contract = model, contract
        self._lock = threading.Lock()
        self._compile(batch_size)

    def _compile(self, batch_size: int) -> None:
        keras = load_keras()
        contract = self._contract
        size = contract.image_size
        pixels = keras.Input((size, size, 3), batch_size=batch_size, dtype="uint8")
        images = keras.ops.cast(pixels, contract.compute_dtype)
        prepared = preprocess(base_named(contract.base), contract.preprocessing, images)
        features = cut(self._base, contract.layer, contract.pooling)(prepared)
        self._model = keras.Model(pixels, features)
        self._model.trainable = False
        self._padded = np.zeros((batch_size, size, size, 3), np.uint8)
        self.batch_size = batch_size
        self.feature_shape: tuple[int, ...] = tuple(int(n) for n in features.shape[1:])

    def extract(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Run the base; see `Engine.extract`."""
        count = len(images)
        # Workers that are threads of one process share the engine, and with it the buffer.
        with self._lock:
            self._padded[:count] = images
            features = np.asarray(self._model.predict_on_batch(self._padded), np.float32)
        return features[:count].reshape(count, -1)

    def shrink(self) -> None:
        """See `Engine.shrink`."""
        with self._lock:
            self._compile(max(1, self.batch_size // 2))
