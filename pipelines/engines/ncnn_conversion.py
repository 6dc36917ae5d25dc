"""Writing a chain as ncnn's own files: one net for an image, one for a stack of images."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipelines.bases import base_named, cut
from pipelines.contract import Contract
from pipelines.engines.chain import Convolution, Step, read_chain, read_scaling
from pipelines.engines.stacking import Stack, plan_stack
from pipelines.errors import EngineError

if TYPE_CHECKING:
    import keras

LAYOUT_FILE = "layout.json"
MAGIC = "7767517"
"""First line of every parameter file (ncnn's wiki, "param and model file structure")."""

NO_WINOGRAD = 1 << 6
"""Bit of a layer's feature mask that turns Winograd off for it (ncnn's `Net::load_param`)."""

LEAST_CHANNELS = 16
"""With fewer input channels, as in a base's first layer, the transforms cost more than they save."""

Plane = tuple[int, int]


def convert_to_ncnn(model: "keras.Model", contract: Contract, folder: Path) -> None:
    """Write a base's nets and how images go through them into a folder.

    Raises:
        EngineError: the base is no chain of layers that can be written.
    """
    if contract.compute_dtype != "float32":
        raise EngineError(f"it computes in float32, not {contract.compute_dtype}")
    steps = read_chain(cut(model, contract.layer, "none"))
    if not steps:
        raise EngineError("the base is cut before its first layer")
    scaling = read_scaling(base_named(contract.base), contract.preprocessing)
    size = contract.image_size
    stack = plan_stack(steps, size)
    channels = _write_net(folder / "image", steps[: stack.start], 3, (size, size))
    if stack.images > 1:
        plane = (stack.rows, stack.side)
        channels = _write_net(folder / "stack", steps[stack.start :], channels, plane, stack)
    side = stack.side >> stack.poolings
    layout = {
        "scaling": asdict(scaling),
        "stack": asdict(stack),
        "pooling": contract.pooling,
        "feature_shape": [side, side, channels] if contract.pooling == "none" else [channels],
    }
    (folder / LAYOUT_FILE).write_text(json.dumps(layout), encoding="utf-8")


def _write_net(
    path: Path, steps: Sequence[Step], channels: int, plane: Plane, stack: Stack | None = None
) -> int:
    """Write `path`.param and `path`.bin; returns the channels of the output."""
    lines = [f"Input data 0 1 data 0={plane[1]} 1={plane[0]} 2={channels}"]
    weights: list[bytes] = []
    blob, level = "data", 0
    for place, step in enumerate(steps):
        if isinstance(step, Convolution):
            if stack is not None and place:
                mask = f"{step.name}_mask"
                lines.append(f"MemoryData {mask} 0 1 {mask} 0={plane[1]} 1={plane[0]} 2=1")
                weights.append(_mask(plane, stack, level).tobytes())
                masked = f"{step.name}_masked"
                lines.append(f"BinaryOp {masked} 2 1 {blob} {mask} {masked} 0=2")
                blob = masked
            lines.append(f"Convolution {step.name} 1 1 {blob} {step.name} {_parameters(step)}")
            weights.append(_weights(step))
            channels = step.kernel.shape[3]
        else:
            lines.append(f"Pooling {step.name} 1 1 {blob} {step.name} 0=0 1=2 2=2 5=1")
            plane, level = (plane[0] // 2, plane[1] // 2), level + 1
        blob = step.name
    lines.append(f"Noop end 1 1 {blob} features")
    head = f"{MAGIC}\n{len(lines)} {len(lines)}\n"
    path.with_suffix(".param").write_text(head + "\n".join(lines) + "\n", encoding="ascii")
    path.with_suffix(".bin").write_bytes(b"".join(weights))
    return channels


def _parameters(step: Convolution) -> str:
    side = step.kernel.shape[0]
    values = {
        0: step.kernel.shape[3],
        1: side,
        4: side // 2,
        5: 1,  # with a bias
        6: step.kernel.size,
        9: int(step.relu),
    }
    if step.kernel.shape[2] < LEAST_CHANNELS:
        values[31] = NO_WINOGRAD
    return " ".join(f"{key}={value}" for key, value in values.items())


def _weights(step: Convolution) -> bytes:
    float32_follows = b"\0\0\0\0"
    kernel = np.ascontiguousarray(step.kernel.transpose(3, 2, 0, 1), "<f4")
    return float32_follows + kernel.tobytes() + step.bias.astype("<f4").tobytes()


def _mask(plane: Plane, stack: Stack, level: int) -> npt.NDArray[np.float32]:
    """1 in the rows of images, 0 between them: float32 (rows, columns)."""
    rows = np.arange(plane[0]) % (stack.pitch >> level) < (stack.side >> level)
    return np.repeat(rows[:, None], plane[1], axis=1).astype("<f4")
