"""How an image of any shape becomes a square one: squashed, cropped or letterboxed."""

from dataclasses import dataclass

from PIL import Image

from pipelines.contract import SQUASH
from pipelines.errors import UsageError

CROP, LETTERBOX = "crop", "letterbox"
RESIZINGS = (SQUASH, CROP, LETTERBOX)

LARGEST_SIDE = 1 << 15
"""Pixels that no image is resized to."""


@dataclass(frozen=True, slots=True)
class Resizing:
    """How an image becomes `size` pixels high and wide.

    Attributes:
        kind: one of `RESIZINGS`.
        size: height and width of the result in pixels.
        number: for `CROP` what the shorter side becomes in pixels, for `LETTERBOX` the grey of
            what is added, 0 to 255.
    """

    kind: str
    size: int
    number: int = 0

    @property
    def name(self) -> str:
        """As a contract has it."""
        return self.kind if self.kind == SQUASH else f"{self.kind}:{self.number}"

    def scaled(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that an image is resized to, before anything is cut off or added.

        Of a side that is not fixed a fraction of a pixel is dropped for `CROP` and rounded for
        `LETTERBOX`, as torchvision's `Resize` and YOLO's letterbox do.
        """
        if self.kind == SQUASH:
            return self.size, self.size
        if self.kind == CROP:
            shorter = min(width, height)
            return (
                max(self.number, int(self.number * width / shorter)),
                max(self.number, int(self.number * height / shorter)),
            )
        longer = max(width, height)
        return (
            max(1, round(self.size * width / longer)),
            max(1, round(self.size * height / longer)),
        )

    def squared(self, image: Image.Image) -> Image.Image:
        """The square of an RGB image that has the size that `scaled` says."""
        left, top = self.size - image.width, self.size - image.height
        if not left and not top:
            return image
        if self.kind == CROP:  # round() as torchvision's CenterCrop has it
            x, y = round(-left / 2), round(-top / 2)
            return image.crop((x, y, x + self.size, y + self.size))
        square = Image.new("RGB", (self.size, self.size), (self.number,) * 3)
        square.paste(image, (left // 2, top // 2))
        return square


def resizing_named(text: str, size: int) -> Resizing:
    """Read "squash", "crop", "crop:SIDE", "letterbox" or "letterbox:GREY".

    Args:
        text: as `--resize` takes it, or as a contract has it.
        size: height and width of the result in pixels; what the shorter side becomes for "crop"
            alone.

    Raises:
        UsageError: it is none of these, or nothing of that size can be cut out.
    """
    kind, colon, number = text.partition(":")
    if kind not in RESIZINGS or (colon and (kind == SQUASH or not number.isdecimal())):
        raise UsageError(
            f"--resize {text}: use {SQUASH}, {CROP} or {CROP}:SIDE, {LETTERBOX} or "
            f"{LETTERBOX}:GREY, numbers being pixels and 0 to 255"
        )
    if kind == CROP:
        side = int(number or size)
        if not size <= side <= LARGEST_SIDE:
            raise UsageError(
                f"--resize {text}: from a shorter side of {side} pixels no {size} x {size} can be "
                f"cut; use {size} to {LARGEST_SIDE}"
            )
        return Resizing(CROP, size, side)
    if kind == LETTERBOX and int(number or 0) > 255:
        raise UsageError(f"--resize {text}: a grey is 0, black, to 255, white")
    return Resizing(kind, size, int(number or 0))
