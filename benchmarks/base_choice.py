"""The base that a benchmark runs, by this project and by its rivals alike."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.child import ROOT
from pipelines.bases import base_named
from pipelines.cli import positive_number

SHARED = ROOT.parent / "shared"
SHARED_WEIGHTS = SHARED / "weights/vgg16_imagenet_notop.weights.h5"


@dataclass(frozen=True, slots=True)
class BaseChoice:
    """A base of `keras.applications` without its top.

    Attributes:
        base: its name.
        image_size: height and width in pixels.
        weights: "imagenet", "random" or a file; random ones are each way's own.
    """

    base: str
    image_size: int
    weights: str

    def arguments(self) -> tuple[str, ...]:
        """The same choice on a command line."""
        named = {"--base": self.base, "--image_size": self.image_size, "--weights": self.weights}
        return tuple(str(part) for pair in named.items() for part in pair)

    def settings(self) -> dict[str, Any]:
        """The choice as a result records it."""
        weights = self.weights if self.weights in ("imagenet", "random") else "from a file"
        return {"base": self.base, "image_size": self.image_size, "weights": weights}


def add_base_options(parser: argparse.ArgumentParser) -> None:
    """Give a command `--base`, `--image_size` and `--weights`."""
    parser.add_argument("--base", default="VGG16", help="constructor in keras.applications")
    parser.add_argument(
        "--image_size",
        type=positive_number,
        help="height and width in pixels; the base's own if not given",
    )
    parser.add_argument(
        "--weights",
        help="imagenet, random or a file; VGG16's shared file if there, else random",
    )


def base_choice(options: argparse.Namespace) -> BaseChoice:
    """What those options say; a file's path becomes absolute."""
    weights = options.weights
    if weights is None:
        shared = options.base == "VGG16" and SHARED_WEIGHTS.is_file()
        weights = str(SHARED_WEIGHTS) if shared else "random"
    elif weights not in ("imagenet", "random"):
        weights = str(Path(weights).resolve())
    size = options.image_size or base_named(options.base).default_size
    return BaseChoice(options.base, size, weights)
