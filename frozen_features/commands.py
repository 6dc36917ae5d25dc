"""The commands there are, by name; each one's module is imported when it is asked for."""

import importlib
from collections.abc import Sequence
from typing import Protocol, cast

from pipelines.cli import Parser

PROG = "frozen-features"

COMMANDS = {
    "extract": ("pipelines", "bring a feature table up to a folder or manifest of images"),
    "choose": ("classifiers", "which base, layer and pooling to take, tried on some images"),
    "plan": ("pipelines", "what an extraction will take, measured on some of its images"),
    "describe": ("pipelines", "what a feature table holds, or which bases there are"),
    "verify": ("pipelines", "is a feature table what it claims to be?"),
    "tidy": ("pipelines", "merge small files, remove orphans and versions past their time"),
    "forget": ("pipelines", "delete images from a table for good, old versions included"),
    "audit": ("classifiers", "duplicates, suspect labels, outliers and poor pictures of a table"),
    "train": ("classifiers", "fit a head on stored features, or a network on images"),
    "search": ("classifiers", "which settings of the heads on features do best"),
    "refit": ("classifiers", "train a model again, as its card says, on its table as it is now"),
    "evaluate": ("classifiers", "measure a trained model on a split of a table, or of images"),
    "predict": ("classifiers", "classes of images, from stored features or from the images"),
    "promote": ("classifiers", "make a model the latest version at a place, if it is good enough"),
    "track": ("classifiers", "write a model as a run of MLflow's, into a folder or to a server"),
    "report": ("classifiers", "one HTML page of a table: map, pictures, models, records"),
    "neighbours": ("classifiers", "the stored images that are nearest to an image"),
    "drift": ("classifiers", "whether images differ from those before"),
    "export": ("classifiers", "base and head in one file, for those without this project"),
    "doctor": ("pipelines", "what is installed here and what would be used"),
}
"""By name, the package that a command's module is in, and what it does."""


class Command(Protocol):
    """What the module of a command has."""

    def main(self, argv: Sequence[str], prog: str = ...) -> int:
        """Run it; returns its exit status."""

    def make_parser(self, prog: str = ...) -> Parser:
        """Its options."""


def import_command(name: str) -> Command:
    """The module of a command."""
    return cast(Command, importlib.import_module(f"{COMMANDS[name][0]}.{name}"))
