"""A base's first block in strips of its map, each of which stays in a core's own cache."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.engines.chain import Convolution, MaxPool, Step

STRIP_ROWS = 38
"""Rows of a strip: 64 channels of 150 columns are 1.5 MB then (docs/decisions/0013)."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Rows of the input that give some rows of the block's output.

    Attributes:
        start: first row read.
        stop: one past the last row read.
        top: the strip begins at the map's edge, above which there are zeros.
        bottom: likewise at its end.
    """

    start: int
    stop: int
    top: bool
    bottom: bool


def first_block(steps: Sequence[Step]) -> int:
    """Steps up to the first pooling, it included; 0 when there is none."""
    for place, step in enumerate(steps):
        if isinstance(step, MaxPool):
            return place + 1
    return 0


def plan_strips(block: Sequence[Step], side: int) -> list[Strip]:
    """Cut a block's input into strips; neighbours overlap by what the convolutions reach over.

    Args:
        block: convolutions and, at the end, a pooling.
        side: height of the input in pixels.

    Returns:
        One strip of all rows where cutting would not pay.
    """
    reach = sum(s.kernel.shape[0] // 2 for s in block if isinstance(s, Convolution))
    if side < 2 * STRIP_ROWS or reach < 2:
        return [Strip(0, side, top=True, bottom=True)]
    starts = list(range(0, side, STRIP_ROWS))
    if side - starts[-1] < 2 * reach:  # a rest too short to stand alone
        starts.pop()
    ends = [*starts[1:], side]
    return [
        Strip(max(0, start - reach), min(side, end + reach), top=start == 0, bottom=end == side)
        for start, end in zip(starts, ends, strict=True)
    ]
