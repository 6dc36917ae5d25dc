"""The reference engine: Keras runs the base, preprocessing included."""

import threading
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipelines.contract import Contract
from pipelines.engines.composing import compose
from pipelines.system.keras_backend import set_matrix_precision

if TYPE_CHECKING:
    import keras


class KerasEngine:
    """Runs a frozen base compiled for one batch shape; short batches are padded to it.

    One shape means one compilation, and features that do not depend on how many images shared a
    batch. Pixels go to the device as they are, a byte a value, and are preprocessed there.
    """

    name = "keras"

    def __init__(self, model: "keras.Model", contract: Contract, batch_size: int) -> None:
        """Compile the base for one batch size.

        Args:
            model: the frozen base, as `pipelines.bases.load_base` gives it.
            contract: what its features are to be.
            batch_size: images a call.
        """
        set_matrix_precision(contract.compute_dtype)
        self._base, self._contract = model, contract
        self._lock = threading.Lock()
        self._compile(batch_size)

    def _compile(self, batch_size: int) -> None:
        self._model = compose(self._base, self._contract, batch_size)
        size = self._contract.image_size
        self._padded = np.zeros((batch_size, size, size, 3), np.uint8)
        self.batch_size = batch_size
        self.feature_shape: tuple[int, ...] = tuple(int(n) for n in self._model.output_shape[1:])

    def extract(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Run the base; see `Engine.extract`."""
        count = len(images)
        # Workers that are threads of one process share the engine, and with it the buffer.
        with self._lock:
            self._padded[:count] = images
            features = np.asarray(self._model.predict_on_batch(self._padded), np.float32)
        return features[:count].reshape(count, -1)

    def shrink(self, failed: int) -> None:
        """See `Engine.shrink`."""
        with self._lock:
            if self.batch_size > max(1, failed // 2):
                self._compile(max(1, failed // 2))
