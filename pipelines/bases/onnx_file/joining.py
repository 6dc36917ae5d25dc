"""Several cuts of one ONNX graph as one, which computes what they share once."""

from collections.abc import Sequence
from dataclasses import replace

from pipelines.bases.onnx_file.graph import Cut
from pipelines.errors import BaseFileError


def union_of(cuts: Sequence[Cut], name: str) -> Cut:
    """All that some cuts of a graph depend on; ends where the first of them does.

    Args:
        cuts: of the same model, at least one.
        name: what messages call the file.

    Raises:
        BaseFileError: they begin with different images.
    """
    first = cuts[0]
    for cut in cuts:
        if cut.image.name != first.image.name:
            raise BaseFileError(
                f"{name}: {first.tensor} is made of {first.image.name}, and {cut.tensor} of "
                f"{cut.image.name}"
            )
    # An operation is known by its outputs, which no other one has. What it depends on comes
    # before it in its own cut, so also where cuts follow each other.
    nodes = {tuple(node.output): node for cut in cuts for node in cut.nodes}
    tensors = {key: value for cut in cuts for key, value in cut.tensors.items()}
    return replace(first, nodes=tuple(nodes.values()), tensors=tensors)
