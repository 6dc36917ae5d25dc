"""Writing a chain as ncnn's own files: one net for an image, one for a stack of images."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.contract import Contract
from pipelines.engines.ncnn.chain import Convolution, MaxPool, Step, read_scaling
from pipelines.engines.ncnn.ends import channels_of, ends_of, read_chains, shape_at
from pipelines.engines.ncnn.stacking import Stack, plan_stack
from pipelines.engines.ncnn.text import NetText
from pipelines.errors import UnsuitableEngineError

if TYPE_CHECKING:
    import keras

LAYOUT_FILE = "layout.json"


def convert(model: "keras.Model", contract: Contract, folder: Path) -> None:
    """Write a base's nets and how images go through them into a folder.

    Raises:
        UnsuitableEngineError: the base is no chain of layers that can be written.
    """
    if contract.compute_dtype != "float32":
        raise UnsuitableEngineError(f"it computes in float32, not {contract.compute_dtype}")
    chains = read_chains(model, contract)
    steps = max(chains, key=len)
    size = contract.image_size
    stack = plan_stack(steps, size)
    first, rest = steps[: stack.start], steps[stack.start :]
    _write_image_net(folder / "image", first, size)
    if stack.images > 1:
        _write_stack_net(folder / "stack", rest, stack, channels_of(first))
    ends = ends_of(chains, contract, stack)
    wanted = {first[-1].name, *(end.blob for end in ends)}
    blobs = [[s.name for s in part if s.name in wanted] for part in (first, rest)]
    layout = {
        "scaling": asdict(read_scaling(contract)),
        "stack": asdict(stack),
        "blobs": blobs,
        "ends": [asdict(end) for end in ends],
        "image_size": size,
        "feature_shape": shape_at(chains, contract),
    }
    (folder / LAYOUT_FILE).write_text(json.dumps(layout), encoding="utf-8")


def _write_image_net(path: Path, steps: Sequence[Step], side: int) -> None:
    net, data = NetText(side, side, 3), "data"
    for step in steps:
        data = _layer(net, step, data)
    net.save(path)


def _write_stack_net(path: Path, steps: Sequence[Step], stack: Stack, channels: int) -> None:
    net, data = NetText(stack.rows, stack.side, channels), "data"
    rows, columns, level = stack.rows, stack.side, 0
    for place, step in enumerate(steps):
        if isinstance(step, Convolution) and place:
            between = np.arange(rows) % (stack.pitch >> level) < (stack.side >> level)
            plane = np.repeat(between[:, None], columns, axis=1).astype(np.float32)
            data = net.mask(data, f"{step.name}_mask", plane)
        data = _layer(net, step, data)
        if isinstance(step, MaxPool):
            rows, columns, level = rows // 2, columns // 2, level + 1
    net.save(path)


def _layer(net: NetText, step: Step, data: str) -> str:
    if isinstance(step, Convolution):
        return net.convolution(step, data)
    return net.halve(step, data)
