"""Feature extraction with ONNX Runtime on the exported base, without TensorFlow.

Pillow decodes on threads ahead of the session, NumPy preprocesses, and the session has the threads
that ONNX Runtime takes by default.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

from benchmarks.rival import RivalJob, rival_job

BATCH = 32
AHEAD = 2 * BATCH

Array = npt.NDArray[np.float32]


def _caffe(pixels: Array) -> Array:
    mean = np.array([103.939, 116.779, 123.68], np.float32)
    return pixels[..., ::-1] - mean


def _signed(pixels: Array) -> Array:
    return pixels / np.float32(127.5) - np.float32(1.0)


PREPROCESS: dict[str, Callable[[Array], Array]] = {
    "VGG16": _caffe,
    "VGG19": _caffe,
    "ResNet50": _caffe,
    "MobileNet": _signed,
    "MobileNetV2": _signed,
    "InceptionV3": _signed,
    "Xception": _signed,
}


def main() -> None:
    """Extract a folder's features and save them with `numpy.save`."""
    job = rival_job(__doc__)
    np.save(job.output, extract(job))


def extract(job: RivalJob) -> Array:
    """Features of a job's images, float32 (images, length)."""
    session = onnxruntime.InferenceSession(str(job.model), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    preprocess = PREPROCESS[job.choice.base]
    blocks = []
    for pixels in _batches(_decoded(job.images, job.choice.image_size)):
        (features,) = session.run(None, {name: preprocess(pixels.astype(np.float32))})
        blocks.append(features.reshape(len(features), -1))
    return np.concatenate(blocks)


def _decoded(paths: Iterable[Path], size: int) -> Iterator[npt.NDArray[np.uint8]]:
    def load(path: Path) -> npt.NDArray[np.uint8]:
        with Image.open(path) as image:
            resized = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(resized, np.uint8)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting: deque[Future[npt.NDArray[np.uint8]]] = deque()
        for path in paths:
            waiting.append(pool.submit(load, path))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _batches(images: Iterable[npt.NDArray[np.uint8]]) -> Iterator[npt.NDArray[np.uint8]]:
    batch = []
    for image in images:
        batch.append(image)
        if len(batch) == BATCH:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)


if __name__ == "__main__":
    main()
