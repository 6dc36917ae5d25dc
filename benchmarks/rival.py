"""What the rivals share: their command line, and the base as plain Keras gives it."""

import argparse
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.base_choice import BaseChoice, add_base_options, base_choice
from benchmarks.images import list_images
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class RivalJob:
    """What a rival has to do.

    Attributes:
        images: the files, in the order of the rows wanted.
        output: the `.npy` file for their features, float32 (images, length).
        choice: the base.
        model: the exported base, for the rival that runs one.
    """

    images: list[Path]
    output: Path
    choice: BaseChoice
    model: Path | None = None


def rival_job(description: str | None) -> RivalJob:
    """Read a rival's command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--input", type=Path, required=True, help="folder of images")
    parser.add_argument("--output", type=Path, required=True, help="the .npy file to write")
    parser.add_argument("--model", type=Path, help="the exported base")
    add_base_options(parser)
    options = parser.parse_args()
    return RivalJob(list_images(options.input), options.output, base_choice(options), options.model)


def plain_base(choice: BaseChoice) -> tuple["keras.Model", Callable[[Any], Any]]:
    """The base and its `preprocess_input`, straight from `keras.applications`."""
    constructor = getattr(load_keras().applications, choice.base)
    size = choice.image_size
    model = constructor(
        include_top=False,
        weights=None if choice.weights == "random" else choice.weights,
        input_shape=(size, size, 3),
    )
    return model, importlib.import_module(constructor.__module__).preprocess_input
