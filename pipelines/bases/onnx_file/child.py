"""`python -m pipelines.bases.onnx_file.child REQUEST`: what is done with a stranger's ONNX file.

In a process of its own, since onnx's C++ may end it. `asking` is how it is started.
"""

import json
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipelines.bases.onnx_file.axes import layouts_of
from pipelines.bases.onnx_file.composing import compose_onnx, write_onnx
from pipelines.bases.onnx_file.graph import NCHW, cut_at
from pipelines.bases.onnx_file.identity import fingerprint_of
from pipelines.bases.onnx_file.reading import read_onnx
from pipelines.bases.onnx_file.shapes import shapes_of
from pipelines.bases.scaling import Scaling
from pipelines.errors import BaseFileError, FrozenFeaturesError, UsageError
from pipelines.system.lifeline import end_with_parent
from pipelines.system.memory import usable_memory

USAGE_STATUS, FILE_STATUS = 2, 3
"""Python's own for what nobody caught is 1."""

MOST_MEMORY = 16 << 30
"""Bytes that the process may take: of functions within functions a small file makes gigabytes."""


def look(path: str, layer: str | None) -> dict[str, Any]:
    """What a file is as a base: `fingerprint`, `layer`, `size` (None for any), `alone`.

    The last says whether all of it is in this one file.
    """
    file = read_onnx(Path(path))
    cut = cut_at(file.model, layer, path)
    return {
        "fingerprint": fingerprint_of(cut, file.opsets, path),
        "alone": file.alone,
        "layer": cut.tensor,
        "size": cut.height or cut.width,
    }


def compose(
    path: str,
    layers: list[str],
    size: int,
    scaling: Mapping[str, Any],
    poolings: list[str],
    folder: str,
) -> dict[str, Any]:
    """Write the composed file into a folder; says the `fingerprints` of what was composed."""
    file = read_onnx(Path(path))
    cuts = [cut_at(file.model, layer, path) for layer in layers]
    said = Scaling(
        scaling["scale"], tuple(scaling["mean"]), tuple(scaling["std"]), scaling["channels"]
    )
    found = [fingerprint_of(cut, file.opsets, path) for cut in cuts]
    write_onnx(compose_onnx(file.model, cuts, size, said, poolings, path), Path(folder))
    return {"fingerprints": found}


def layers(path: str) -> dict[str, Any]:
    """The tensors at which a file can be cut, as features: `layers` of name, operation and shape.

    A side is None where it hangs on the image's size; `size` is what images must have, if anything.
    """
    model = read_onnx(Path(path)).model
    whole = cut_at(model, None, path)
    shapes = shapes_of(model, whole, whole.height or whole.width, path)
    layouts = layouts_of(whole)
    held = {whole.image.name}
    rows = []
    for node in whole.nodes:
        if not any(name in held for name in node.input):
            continue
        held |= set(node.output)
        shape = shapes.get(node.output[0], ())
        if len(shape) > 1:
            _, *sides = shape
            if layouts[node.output[0]] == NCHW and len(sides) == 3:
                sides = [*sides[1:], sides[0]]
            rows.append([node.output[0], node.op_type, sides])
    return {"layers": rows, "size": whole.height or whole.width}


DOINGS: dict[str, Callable[..., dict[str, Any]]] = {
    "look": look,
    "compose": compose,
    "layers": layers,
}


def answer(request: str) -> dict[str, Any]:
    """Do what a request in JSON says.

    Raises:
        BaseFileError, UsageError: it cannot be done; one line says why.
    """
    said = json.loads(request)
    try:
        return DOINGS[said.pop("do")](**said)
    except FrozenFeaturesError:
        raise
    except Exception as error:  # a damaged file may make onnx and protobuf raise anything
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise BaseFileError(f"{said['path']} is damaged ({what})") from error


def main(request: str) -> int:
    """Print what there is to answer, or on stderr why there is nothing; returns the status."""
    try:
        print(json.dumps(answer(request)))
    except FrozenFeaturesError as error:
        print(error, file=sys.stderr)
        return USAGE_STATUS if isinstance(error, UsageError) else FILE_STATUS
    return 0


if __name__ == "__main__":
    end_with_parent()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (min(MOST_MEMORY, usable_memory()), hard))
    sys.exit(main(sys.argv[1]))
