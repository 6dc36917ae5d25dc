"""ncnn runs the base: Winograd convolutions, the fastest for chains of 3 x 3 ones such as VGG."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.engines.ncnn.chain import Scaling, scale_pixels
from pipelines.engines.ncnn.conversion import LAYOUT_FILE
from pipelines.engines.ncnn.ends import End
from pipelines.engines.ncnn.stacking import Stack
from pipelines.engines.parallel import Features, ParallelRuns, Pixels
from pipelines.errors import EngineError

Map = npt.NDArray[np.float32]
"""float32 (channels, rows, columns)."""


def load(folder: Path, threads: int, batch_size: int) -> "NcnnEngine":
    """Open what `convert` wrote; see `NcnnEngine`."""
    return NcnnEngine(folder, threads, batch_size)


class NcnnEngine:
    """Worker threads of one core each; a thread takes a stack's images from pixels to features."""

    name = "ncnn"

    def __init__(self, folder: Path, threads: int, batch_size: int) -> None:
        """Load the nets; the threads share them.

        Args:
            folder: what `convert` filled.
            threads: cores to use.
            batch_size: images a call of `extract`, or a full stack a thread where that is more.

        Raises:
            EngineError: ncnn does not take a net; it would crash if it were run all the same.
        """
        layout = json.loads((folder / LAYOUT_FILE).read_text(encoding="utf-8"))
        self._scaling = Scaling(*layout["scaling"].values())
        self._stack = Stack(**layout["stack"])
        self._ends = [End(**each) for each in layout["ends"]]
        # By depth: ncnn goes on from a blob that it gave, and has not kept those before it.
        self._image_blobs, self._stack_blobs = layout["blobs"]
        self._image_net = _load(folder / "image", largest_tile=6)
        if self._stack.images > 1:
            self._stack_net = _load(folder / "stack", largest_tile=4)
        # A stack costs the same however few images are in it, so every thread gets full ones.
        self.batch_size = max(batch_size, threads * self._stack.images)
        self._parallel = ParallelRuns(self._run, threads, self._stack.images)
        self.feature_shape: tuple[int, ...] = tuple(layout["feature_shape"])
        size = layout["image_size"]
        self._run(
            np.zeros((1, size, size, 3), np.uint8)
        )  # what a first call sets up, on one thread

    def extract(self, images: Pixels) -> Features:
        """Run the base; see `Engine.extract`."""
        return self._parallel(images)

    def shrink(self, failed: int) -> None:
        """See `Engine.shrink`."""
        self.batch_size = min(self.batch_size, max(1, failed // 2))

    def _run(self, images: Pixels) -> Features:
        scaled = (scale_pixels(each, self._scaling) for each in images)
        maps = [_forward(self._image_net, each, self._image_blobs) for each in scaled]
        tall = self._run_stack([each[self._image_blobs[-1]] for each in maps])
        return np.stack([self._row(each, tall, place) for place, each in enumerate(maps)])

    def _run_stack(self, maps: list[Map]) -> dict[str, Map]:
        stack = self._stack
        if stack.images == 1:
            return {}
        tall = np.zeros((len(maps[0]), stack.rows, stack.side), np.float32)
        for place, each in enumerate(maps):
            start = place * stack.pitch
            tall[:, start : start + stack.side] = each
        return _forward(self._stack_net, tall, self._stack_blobs)

    def _row(self, maps: dict[str, Map], tall: dict[str, Map], place: int) -> Features:
        """The features of the image at a place of the stack, an end's after the other's."""
        parts = []
        for end in self._ends:
            if end.stacked:
                rows = self._stack.rows_of(place, end.poolings)
                parts.append(_flat(tall[end.blob][:, rows], end.pooling))
            else:
                parts.append(_flat(maps[end.blob], end.pooling))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _flat(features: Map, pooling: str) -> Features:
    if pooling == "none":
        return features.transpose(1, 2, 0).reshape(-1)
    pool = np.mean if pooling == "avg" else np.max
    pooled: Features = pool(features, axis=(1, 2))
    return pooled


def _load(path: Path, largest_tile: int) -> Any:  # noqa: ANN401 - ncnn is untyped
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.use_vulkan_compute = False
    for narrow in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, f"use_{narrow}", False)
    net.opt.use_winograd63_convolution = largest_tile >= 6
    for step, suffix in ((net.load_param, ".param"), (net.load_model, ".bin")):
        if step(str(path.with_suffix(suffix))) != 0:
            raise EngineError(f"ncnn cannot load {path.with_suffix(suffix).name}")
    return net


def _forward(net: Any, inputs: Map, blobs: Sequence[str]) -> dict[str, Map]:  # noqa: ANN401 - ncnn is untyped
    import ncnn

    extractor = net.create_extractor()
    # The clone has ncnn's own alignment between channels, which some layers take for granted.
    extractor.input("data", ncnn.Mat(inputs).clone())
    outputs = {}
    for blob in blobs:
        status, output = extractor.extract(blob)
        if status != 0:
            raise EngineError(f"ncnn gave no features at {blob} (status {status})")
        outputs[blob] = np.array(output)
    return outputs
