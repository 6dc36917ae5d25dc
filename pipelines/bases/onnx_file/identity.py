"""The fingerprint of a cut ONNX graph: operations, who feeds whom, tensors; no names."""

import hashlib
from typing import Any

import numpy as np

from pipelines.bases.onnx_file.graph import Cut, inputs_of
from pipelines.errors import BaseFileError


def fingerprint_of(cut: Cut, opsets: dict[str, int], name: str) -> str:
    """SHA-256 over all that decides what a graph computes.

    Args:
        cut: the graph.
        opsets: the version of each domain's operations.
        name: what messages call the file.

    Returns:
        64 hexadecimal digits, the same for the same operations on the same numbers, whatever they
        are called and whichever file they came from.

    Raises:
        BaseFileError: a tensor is not what it says.
    """
    digest = hashlib.sha256()
    numbers = {cut.image.name: "image"}
    used = {node.domain for node in cut.nodes}
    digest.update(repr(sorted((d, v) for d, v in opsets.items() if d in used)).encode())
    digest.update(f"{cut.dtype} {cut.layout}".encode())
    for node in cut.nodes:
        digest.update(f"\n{node.domain}:{node.op_type}".encode())
        for attribute in sorted(node.attribute, key=lambda each: each.name):
            digest.update(f" {attribute.name} {attribute.type}".encode())
            digest.update(_value(attribute, name))
        for each in [*node.input, *inputs_of(node)[len([n for n in node.input if n]) :]]:
            if each in cut.tensors and each not in numbers:
                numbers[each] = f"tensor {_of_tensor(cut.tensors[each], name)}"
            digest.update(f" <{numbers.get(each, each)}".encode())
        for output in node.output:
            if output:
                numbers[output] = str(len(numbers))
    digest.update(f"\n={numbers[cut.tensor]}".encode())
    return digest.hexdigest()


def _value(attribute: Any, name: str) -> bytes:  # noqa: ANN401 - onnx is untyped
    if attribute.HasField("t"):
        return _of_tensor(attribute.t, name).encode()
    copy = type(attribute)()
    copy.CopyFrom(attribute)
    copy.ClearField("name")
    copy.ClearField("doc_string")
    return bytes(copy.SerializeToString(deterministic=True))


def _of_tensor(tensor: Any, name: str) -> str:  # noqa: ANN401
    from onnx import numpy_helper

    try:
        values = np.ascontiguousarray(numpy_helper.to_array(tensor))
    except Exception as error:  # whatever numbers that do not fit their shape make onnx raise
        said = " ".join(str(error).split())
        raise BaseFileError(
            f"{name} is damaged: {tensor.name!r} does not hold the numbers of its shape ({said})"
        ) from error
    digest = hashlib.sha256(f"{values.dtype} {values.shape}".encode())
    digest.update(values.tobytes())
    return digest.hexdigest()
