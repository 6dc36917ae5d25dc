"""Reading an ONNX file that a stranger may have written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import BaseFileError

MOST_BYTES = 2**31 - 1
"""Of a file, and of its tensors together; what protobuf can hold in one message."""

OWN_DOMAINS = ("", "ai.onnx", "com.microsoft")
"""Whose operations runtimes know by themselves; "com.microsoft" is ONNX Runtime's."""

OLDEST_OPSET, UPGRADED_OPSET = 11, 13
"""Below the first, operations are rewritten as those of the second."""

_EXTERNAL = 1


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """A file that was read whole, tensors that lie beside it included.

    Attributes:
        model: an `onnx.ModelProto` of operations that runtimes know, opset 11 or later.
        alone: whether all of it lay in the one file.
    """

    model: Any
    alone: bool

    @property
    def opsets(self) -> dict[str, int]:
        """The version of the operations of each domain."""
        return {each.domain: each.version for each in self.model.opset_import}


def read_onnx(path: Path) -> OnnxFile:
    """Read a file.

    Raises:
        BaseFileError: it is no ONNX file, is cut short, is too large, refers to files outside its
            folder, or has operations of others.
    """
    import onnx

    size = path.stat().st_size
    if size > MOST_BYTES:
        raise BaseFileError(
            f"{path} has {size:,} bytes, more than the {MOST_BYTES:,} that are read"
        )
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except Exception as error:  # protobuf's own kinds
        raise BaseFileError(f"{path} is no ONNX file, or is cut short") from error
    if not model.graph.node:
        raise BaseFileError(f"{path} is no ONNX file, or is cut short: it has no operations")
    alone = not _take_in_tensors(model, path)
    if model.functions:
        from onnx import inliner

        model = inliner.inline_local_functions(model)
    _check_operations(model, path)
    return OnnxFile(_of_a_newer_opset(model, path), alone)


def tensors_of(graph: Any) -> Iterator[Any]:  # noqa: ANN401
    """All tensors that a graph holds, in its operations' attributes and branches too."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for branch in branches_of(attribute):
                yield from tensors_of(branch)


def branches_of(attribute: Any) -> Iterable[Any]:  # noqa: ANN401
    """The graphs in an attribute: those of If, Loop and Scan."""
    return [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]


def _take_in_tensors(model: Any, path: Path) -> bool:  # noqa: ANN401 - onnx is untyped
    left, beside = MOST_BYTES, False
    for tensor in tensors_of(model.graph):
        if tensor.data_location == _EXTERNAL:
            beside, data = True, _beside(tensor, path, left)
            left -= len(data)
            tensor.raw_data = data
            tensor.data_location = 0
            del tensor.external_data[:]
    return beside


def _beside(tensor: Any, path: Path, most: int) -> bytes:  # noqa: ANN401
    said = {entry.key: entry.value for entry in tensor.external_data}
    folder = path.parent.resolve()
    beside = (folder / said.get("location", "")).resolve()
    if not beside.is_relative_to(folder):
        raise BaseFileError(
            f"{path} keeps {tensor.name!r} outside its folder, in {said.get('location')}; files "
            "there are not opened"
        )
    try:
        start = int(said.get("offset", 0))
        length = int(said.get("length", beside.stat().st_size - start))
        if not 0 <= length <= most or start < 0:
            raise BaseFileError(
                f"{path} keeps {length:,} bytes of {tensor.name!r} beside it; its tensors may have "
                f"{MOST_BYTES:,} in all"
            )
        with beside.open("rb") as file:
            file.seek(start)
            data = bytes(file.read(length))
    except (OSError, ValueError) as error:
        raise BaseFileError(f"{path} keeps {tensor.name!r} in {beside.name}: {error}") from error
    if len(data) < length:
        raise BaseFileError(f"{beside} is cut short: {tensor.name!r} of {path.name} lies beyond it")
    return data


def _check_operations(model: Any, path: Path) -> None:  # noqa: ANN401
    for node in model.graph.node:
        if node.domain not in OWN_DOMAINS:
            raise BaseFileError(
                f"{path} has the operation {node.op_type} of {node.domain}, which needs somebody's "
                "own code; export it with ONNX's operations only"
            )


def _of_a_newer_opset(model: Any, path: Path) -> Any:  # noqa: ANN401
    opset = max([each.version for each in model.opset_import if not each.domain], default=0)
    if opset >= OLDEST_OPSET:
        return model
    from onnx import version_converter

    try:
        return version_converter.convert_version(model, UPGRADED_OPSET)
    except Exception as error:  # the converter's C++ raises kinds of its own
        raise BaseFileError(
            f"{path} is of opset {opset} and cannot be rewritten as opset {UPGRADED_OPSET}; export "
            "it anew"
        ) from error
