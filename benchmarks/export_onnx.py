"""Exports a base to ONNX once, for `benchmarks.onnx_loop`; its time is not counted."""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.base_choice import BaseChoice, add_base_options, base_choice
from benchmarks.rival import plain_base
from pipelines.cli import local_path


def main() -> None:
    """Export the base that the options name to `--output`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=local_path, required=True, help="the .onnx file to write")
    add_base_options(parser)
    options = parser.parse_args()
    export_base(base_choice(options), options.output)


def export_base(choice: BaseChoice, path: Path) -> None:
    """Write a base as an ONNX model from images already preprocessed to features."""
    base, _ = plain_base(choice)
    # Keras exports only a model that was called.
    base(np.zeros((1, choice.image_size, choice.image_size, 3), np.float32))
    base.export(str(path), format="onnx", verbose=False)


if __name__ == "__main__":
    main()
