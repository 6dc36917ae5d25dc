"""Which features are tried: every base, size and dtype with every layer and pooling."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from pipelines.bases import base_named
from pipelines.errors import UsageError
from pipelines.planning.job import FeatureChoice

LAST = "last"
"""Word for the last layer of a base."""


@dataclass(frozen=True, slots=True)
class Space:
    """All features that are tried.

    Attributes:
        bases: names.
        layers: names of layers, or `LAST`; a base is tried at those that it has.
        poolings: poolings.
        image_sizes: pixels; empty for the own of each base.
        compute_dtypes: dtypes.
        rest: what all candidates have in common.
    """

    bases: tuple[str, ...]
    layers: tuple[str, ...]
    poolings: tuple[str, ...]
    image_sizes: tuple[int, ...]
    compute_dtypes: tuple[str, ...]
    rest: FeatureChoice


@dataclass(frozen=True, slots=True)
class Maps:
    """Feature maps of one engine, from which the features of every pooling are made.

    Attributes:
        choice: base, size, dtype and layer, without pooling.
        poolings: the poolings wanted of it.
    """

    choice: FeatureChoice
    poolings: tuple[str, ...]


def maps_of(space: Space, layers_of: Callable[[str], Sequence[str]]) -> list[Maps]:
    """What is to be run, those of equal pixels side by side.

    Args:
        space: what is wanted.
        layers_of: gives all layers of a base; asked only where layers are named.

    Raises:
        UsageError: no base has one of the layers.
    """
    named = [layer for layer in space.layers if layer != LAST]
    there = {base: set(layers_of(base)) for base in space.bases} if named else {}
    for layer in named:
        if not any(layer in layers for layers in there.values()):
            raise UsageError(
                f"--layers: no layer {layer!r} in {', '.join(space.bases)}; 'extract --base NAME "
                f"--layer {layer}' lists those there are, and {LAST} stands for the last"
            )
    found = []
    sizes = space.image_sizes or (None,)
    for base, size, dtype in product(space.bases, sizes, space.compute_dtypes):
        own = base_named(base)
        wanted = [own.last_layer if layer == LAST else layer for layer in space.layers]
        known = there.get(base, ()) or (own.last_layer,)
        for layer in dict.fromkeys(each for each in wanted if each in known):
            choice = replace(
                space.rest,
                base=base,
                image_size=size or own.default_size,
                compute_dtype=dtype,
                layer=layer,
                pooling="none",
            )
            found.append(Maps(choice, space.poolings))
    return sorted(found, key=lambda maps: maps.choice.image_size or 0)
