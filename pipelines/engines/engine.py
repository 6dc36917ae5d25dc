"""The interface of an engine: pixels in, features out. Every engine must agree with Keras."""

from typing import Protocol

import numpy as np
import numpy.typing as npt


class Engine(Protocol):
    """A frozen base, loaded and ready.

    Attributes:
        name: what the run's record calls it.
        batch_size: most images in one call, and the size at which it is fastest.
        feature_shape: shape of one image's features before flattening.
    """

    name: str
    batch_size: int
    feature_shape: tuple[int, ...]

    def extract(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Run the base.

        Args:
            images: uint8 (n, size, size, 3), RGB, n at most `batch_size`.

        Returns:
            float32 (n, length): each image's features flattened in C order.
        """
        ...

    def shrink(self, failed: int) -> None:
        """Take at most half of `failed` images a call from now on, because memory ran out.

        Batches run side by side, and several may fail at one size; that shrinks the engine once.
        """
        ...
