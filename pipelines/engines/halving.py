"""A batch that fails in the engine is halved until the image to blame stands alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.engines.engine import Engine

OUT_OF_MEMORY = ("MemoryError", "ResourceExhaustedError", "OutOfMemoryError", "XlaRuntimeError")
"""Classes of the errors by which Python and the backends of Keras say that memory ran out."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the engine gave no features for an image.

    Attributes:
        error: class of the error.
        message: what it said.
        lasting: True when the same image would fail again.
    """

    error: str
    message: str
    lasting: bool


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What the engine made of a batch.

    Attributes:
        kept: places of the images that have features, ascending.
        features: float32 (len(kept), length), finite.
        faults: by place, why the other images have none.
    """

    kept: tuple[int, ...]
    features: npt.NDArray[np.float32]
    faults: dict[int, Fault]


def run_batch(engine: Engine, images: npt.NDArray[np.uint8]) -> BatchResult:
    """Run a batch; what cannot be run costs the images to blame and no others.

    When memory runs out the engine takes smaller batches from then on.

    Args:
        engine: the base.
        images: uint8 (n, size, size, 3), n at most the engine's batch size when called.
    """
    rows: dict[int, npt.NDArray[np.float32]] = {}
    faults: dict[int, Fault] = {}
    waiting = [np.arange(len(images))]
    while waiting:
        places = waiting.pop()
        size = engine.batch_size
        if len(places) > size:
            waiting.extend(_halves(places))
            continue
        try:
            features = engine.extract(images[places])
        except Exception as error:  # an engine may raise anything; it must not end the run
            if _is_out_of_memory(error) and size > 1:
                engine.shrink(size)
                waiting.append(places)
            elif len(places) > 1:
                waiting.extend(_halves(places))
            else:
                message = (str(error).strip().splitlines() or [""])[0]
                faults[int(places[0])] = Fault(type(error).__name__, message, lasting=False)
            continue
        finite = np.isfinite(features).all(axis=1)
        rows.update(zip(places[finite].tolist(), features[finite], strict=True))
        broken = places[~finite]
        if len(places) == 1 and len(broken):
            message = "the features are not finite numbers"
            faults[int(broken[0])] = Fault("NotFinite", message, lasting=True)
        else:
            # Each alone once more: its neighbours may be to blame.
            waiting.extend(broken[i : i + 1] for i in range(len(broken)))
    kept = tuple(sorted(rows))
    features = np.stack([rows[k] for k in kept]) if kept else np.zeros((0, 0), np.float32)
    return BatchResult(kept, features, faults)


def _halves(places: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    middle = len(places) // 2
    return [places[middle:], places[:middle]]


def _is_out_of_memory(error: Exception) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    if "XlaRuntimeError" in names:
        return "RESOURCE_EXHAUSTED" in str(error)
    return bool(names & set(OUT_OF_MEMORY))
