"""What `--weights` asks for."""

from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path

from pipelines.cli import local_path
from pipelines.errors import UsageError

BASE = "base"
"""The kind of request that names a whole base's file."""

BASE_SUFFIXES = (".onnx", ".keras")
MODEL_FILE = "model.keras"
"""The network in a model folder of `classifiers.train`."""

_CARD_FILE = "card.json"


@dataclass(frozen=True, slots=True)
class WeightsRequest:
    """The weights wanted, before anything is loaded.

    Attributes:
        kind: "imagenet", "file", "random", or `BASE`: the base itself came as a file.
        path: the file, for "file" and `BASE`.
        seed: what the random values are drawn from, for "random".
    """

    kind: str
    path: str | None = None
    seed: int = 0


def parse_weights(text: str) -> WeightsRequest:
    """Read the value of `--weights`: "imagenet", "random", "random:SEED", or a file.

    The file holds weights, or is a base that came as one.

    Raises:
        UsageError: it is none of these, or there is no such file.
    """
    if text == "imagenet":
        return WeightsRequest("imagenet")
    kind, _, seed = text.partition(":")
    if kind == "random":
        if seed and not seed.isdecimal():
            raise UsageError(f"--weights {text}: the seed must be a whole number, as in random:7")
        return WeightsRequest("random", seed=int(seed or 0))
    try:
        path = local_path(text)
    except ArgumentTypeError as error:
        raise UsageError(f"--weights {error}") from error
    base = base_file_named(text)
    if base is not None:
        return base
    if not path.is_file():
        raise UsageError(f"--weights {text}: no such file (or use imagenet, or random)")
    if not text.endswith(".h5"):
        raise UsageError(
            f"--weights {text}: a weights file ends in .weights.h5 or .h5, "
            "a base's in .onnx or .keras"
        )
    return WeightsRequest("file", path=str(path.resolve()))


def base_file_named(text: str) -> WeightsRequest | None:
    """The base's file that a text names; None where it names none, or one that is not there.

    Raises:
        ArgumentTypeError: it is a URL, or no path.
    """
    path = local_path(text)
    if path.is_dir() and (path / MODEL_FILE).is_file():
        path = path / MODEL_FILE
    if path.suffix in BASE_SUFFIXES and path.is_file():
        return WeightsRequest(BASE, path=str(path.resolve()))
    return None


def is_model_folder(request: WeightsRequest) -> bool:
    """Whether a base's file is the network of a model folder, which scales pixels itself."""
    path = Path(str(request.path))
    return path.name == MODEL_FILE and (path.parent / _CARD_FILE).is_file()
