"""ncnn's files: a line of text a layer, and the weights one after the other."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.engines.ncnn.chain import Convolution, MaxPool

MAGIC = "7767517"
"""First line of every parameter file (ncnn's wiki, "param and model file structure")."""

NO_WINOGRAD = 1 << 6
"""Bit of a layer's feature mask that turns Winograd off for it (ncnn's `Net::load_param`)."""

LEAST_CHANNELS = 16
"""Of an input on which Winograd's transforms cost less than they save; a first layer has three."""


class NetText:
    """A net under way; each method adds a layer and gives the name of its output."""

    def __init__(self, rows: int, columns: int, channels: int) -> None:
        """Begin with the input "data" of that size."""
        self._lines = [f"Input data 0 1 data 0={columns} 1={rows} 2={channels}"]
        self._blobs = 1
        self._weights: list[bytes] = []

    def convolution(self, step: Convolution, data: str) -> str:
        """A convolution with its zeros around the map."""
        kernel = step.kernel
        side, margin = kernel.shape[0], kernel.shape[0] // 2
        values = {0: kernel.shape[3], 1: side, 4: margin, 5: 1, 6: kernel.size, 9: int(step.relu)}
        if kernel.shape[2] < LEAST_CHANNELS:
            values[31] = NO_WINOGRAD
        float32_follows = b"\0\0\0\0"
        weights = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1), "<f4").tobytes()
        self._weights.append(float32_follows + weights + step.bias.astype("<f4").tobytes())
        return self._add("Convolution", step.name, [data], values)

    def halve(self, step: MaxPool, data: str) -> str:
        """The largest of each 2 x 2; an odd last row or column is dropped."""
        return self._add("Pooling", step.name, [data], {0: 0, 1: 2, 2: 2, 5: 1})

    def mask(self, data: str, name: str, plane: npt.NDArray[np.float32]) -> str:
        """Every channel times a plane, float32 (rows, columns)."""
        rows, columns = plane.shape
        self._weights.append(plane.astype("<f4").tobytes())
        constant = self._add("MemoryData", f"{name}_plane", [], {0: columns, 1: rows, 2: 1})
        return self._add("BinaryOp", name, [data, constant], {0: 2})

    def save(self, path: Path) -> None:
        """Write `path`.param and `path`.bin; every layer's output can be had by its name."""
        head = f"{MAGIC}\n{len(self._lines)} {self._blobs}\n"
        text = head + "\n".join(self._lines) + "\n"
        path.with_suffix(".param").write_text(text, encoding="ascii")
        path.with_suffix(".bin").write_bytes(b"".join(self._weights))

    def _add(self, kind: str, name: str, inputs: list[str], values: dict[int, int]) -> str:
        given = " ".join(f"{key}={value}" for key, value in values.items())
        blobs = " ".join([*inputs, name])
        self._lines.append(f"{kind} {name} {len(inputs)} 1 {blobs} {given}")
        self._blobs += 1
        return name
