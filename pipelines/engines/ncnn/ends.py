"""Where features are taken from a chain: at its end, and on the way there, in one pass of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from pipelines.bases import cut
from pipelines.bases.cutting import IN_ONE_PASS
from pipelines.contract import Contract
from pipelines.engines.ncnn.chain import Convolution, MaxPool, Step, read_chain
from pipelines.engines.ncnn.stacking import Stack
from pipelines.errors import UnsuitableEngineError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class End:
    """A layer whose output is wanted.

    Attributes:
        blob: the name of its output in its net, which is the layer's.
        stacked: whether that is the net for a stack of images.
        poolings: in the stacked part up to it; each halves an image's side and pitch.
        pooling: "none", "avg" or "max" over height and width.
    """

    blob: str
    stacked: bool
    poolings: int
    pooling: str


def read_chains(model: "keras.Model", contract: Contract) -> list[list[Step]]:
    """The steps up to each of a contract's layers, in its order; all begin the longest of them.

    Raises:
        UnsuitableEngineError: the base branches, or has a layer that cannot be written.
    """
    layers = contract.layer.split(IN_ONE_PASS)
    chains = [read_chain(cut(model, layer, "none")) for layer in layers]
    names = [[step.name for step in chain] for chain in chains]
    longest = max(names, key=len)
    for layer, each in zip(layers, names, strict=True):
        if not each:
            raise UnsuitableEngineError("the base is cut before its first layer")
        if each != longest[: len(each)]:
            raise UnsuitableEngineError(f"{layer} is not on the way to {longest[-1]}")
    return chains


def ends_of(chains: Sequence[Sequence[Step]], contract: Contract, stack: Stack) -> list[End]:
    """Where the features of each chain lie.

    Args:
        chains: what `read_chains` gave.
        contract: whose poolings they have.
        stack: how the longest of them is split.
    """
    ends = []
    for chain, pooling in zip(chains, contract.pooling.split(IN_ONE_PASS), strict=True):
        stacked = len(chain) > stack.start
        ends.append(End(chain[-1].name, stacked, _poolings(chain[stack.start :]), pooling))
    return ends


def shape_at(chains: Sequence[Sequence[Step]], contract: Contract) -> list[int]:
    """Shape of an image's features; of several layers they are flattened and follow each other."""
    shapes = []
    for chain, pooling in zip(chains, contract.pooling.split(IN_ONE_PASS), strict=True):
        side = contract.image_size >> _poolings(chain)
        channels = channels_of(chain)
        shapes.append([side, side, channels] if pooling == "none" else [channels])
    return shapes[0] if len(shapes) == 1 else [sum(map(prod, shapes))]


def channels_of(steps: Sequence[Step]) -> int:
    """Channels after some steps; a photograph's three before any convolution."""
    kernels = [step.kernel for step in steps if isinstance(step, Convolution)]
    return int(kernels[-1].shape[3]) if kernels else 3


def _poolings(steps: Sequence[Step]) -> int:
    return sum(isinstance(step, MaxPool) for step in steps)
