"""What is done to pixels before they enter a base, in numbers."""

from dataclasses import dataclass

from pipelines.contract import CHANNELS, NUMBERS, Contract
from pipelines.errors import UsageError


@dataclass(frozen=True, slots=True)
class Scaling:
    """(pixels x scale - mean) / std, colour by colour.

    Attributes:
        scale: that pixels of 0 to 255 are multiplied by.
        mean, std: of each colour, in the order of `channels`; () for none.
        channels: "rgb" or "bgr", the order in which colours enter.
    """

    scale: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    channels: str = "rgb"

    @property
    def leaves_pixels(self) -> bool:
        """Whether numbers stay what they are; colours may change places."""
        return self.scale == 1.0 and not self.mean and not self.std


_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

SCALINGS = {
    "none": Scaling(),
    "rescale": Scaling(1 / 255),
    "torch": Scaling(1 / 255, _IMAGENET_MEAN, _IMAGENET_STD),
    "tf": Scaling(1 / 127.5, (1.0, 1.0, 1.0)),
    "caffe": Scaling(1.0, (103.939, 116.779, 123.68), (), "bgr"),
    "clip": Scaling(
        1 / 255,
        (0.48145466, 0.4578275, 0.40821073),
        (0.26862954, 0.26130258, 0.27577711),
    ),
}
"""What the names of `--preprocessing` mean, but for "imagenet", the base's own."""


def scaling_of(contract: Contract) -> Scaling:
    """The numbers of a contract whose preprocessing is `NUMBERS`.

    Raises:
        UsageError: they are none that pixels can be scaled by.
    """
    scaling = Scaling(contract.scale, contract.mean, contract.std, contract.channels)
    check_scaling(scaling)
    if contract.preprocessing != NUMBERS:
        raise UsageError(f"preprocessing {contract.preprocessing!r} is none in numbers")
    return scaling


def check_scaling(scaling: Scaling) -> None:
    """Refuse numbers that no pixels can be scaled by.

    Raises:
        UsageError: they are such.
    """
    for name, values in (("mean", scaling.mean), ("std", scaling.std)):
        if len(values) not in (0, 3):
            raise UsageError(f"--{name} wants three numbers, one a colour, not {len(values)}")
    if not scaling.scale or not all(scaling.std or (1.0,)):
        raise UsageError("--scale and --std are not 0: nothing of the pixels would be left")
    if scaling.channels not in CHANNELS:
        raise UsageError(f"channels are {' or '.join(CHANNELS)}, not {scaling.channels!r}")
