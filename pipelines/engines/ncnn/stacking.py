"""Where a chain's maps are small, several images share one map, so that weights are read once.

ncnn runs an image at a time. In a base's deep layers that means reading some 40 MB of transformed
weights for a map of 18 x 18 pixels, which costs more than the arithmetic. So images are laid below
each other in one tall map, with rows of zeros between them that stand for the zeros Keras pads
with.

The distance between two images is a whole number of Winograd tiles in every layer, so an image is
computed the same way, to the last bit, at every place of the stack.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.engines.ncnn.chain import Convolution, MaxPool, Step

STACKED = 8
"""Images of a stack. Of 1, 2, 4, 8 and 16 the fastest for VGG16 (docs/decisions/0013)."""

SMALL_SIDE = 24
"""Maps of at most this side are stacked; larger ones fill the processor's caches alone."""

TILE = 4
"""Rows of a tile of F(4 x 4, 3 x 3), the largest that ncnn is allowed in a stack."""


@dataclass(frozen=True, slots=True)
class Stack:
    """How a chain is split, and how images lie in the second part.

    Attributes:
        start: steps run image by image; the rest runs stacked.
        images: in a stack; 1 when nothing is stacked.
        side: height and width of one image's map at the start of the stack, in pixels.
        pitch: rows from one image's first row to the next one's, at the start of the stack.
        poolings: in the stacked part; each halves side and pitch.
    """

    start: int
    images: int
    side: int
    pitch: int
    poolings: int

    @property
    def rows(self) -> int:
        """Height of the stacked map, in pixels."""
        return self.pitch * (self.images - 1) + self.side

    def rows_of(self, place: int, poolings: int) -> slice:
        """The rows of an image's map after so many poolings of the stacked part."""
        start = place * (self.pitch >> poolings)
        return slice(start, start + (self.side >> poolings))


def plan_stack(steps: Sequence[Step], image_size: int) -> Stack:
    """Find where a chain's maps become small and convolutions still follow.

    Args:
        steps: the chain.
        image_size: height and width of its input in pixels.
    """
    side = image_size
    for place, step in enumerate(steps):
        if isinstance(step, MaxPool):
            side //= 2
        rest = steps[place + 1 :]
        if side <= SMALL_SIDE and isinstance(step, MaxPool) and _has_convolutions(rest):
            poolings = sum(isinstance(each, MaxPool) for each in rest)
            return Stack(place + 1, STACKED, side, _pitch(rest, side), poolings)
    return Stack(len(steps), 1, side, side, 0)


def _has_convolutions(steps: Sequence[Step]) -> bool:
    return any(isinstance(step, Convolution) for step in steps)


def _pitch(steps: Sequence[Step], side: int) -> int:
    levels = 0  # poolings that still have a convolution below them
    margin = 1
    for place, step in enumerate(steps):
        if isinstance(step, MaxPool) and _has_convolutions(steps[place:]):
            levels += 1
        if isinstance(step, Convolution):
            margin = max(margin, int(step.kernel.shape[0]) // 2)
    whole = TILE << levels
    pitch = whole
    while any((pitch >> level) < (side >> level) + margin for level in range(levels + 1)):
        pitch += whole
    return pitch
