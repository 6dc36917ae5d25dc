"""What `--weights` asks for."""

from argparse import ArgumentTypeError
from dataclasses import dataclass

from pipelines.cli import local_path
from pipelines.errors import UsageError


@dataclass(frozen=True, slots=True)
class WeightsRequest:
    """The weights wanted, before anything is loaded.

    Attributes:
        kind: "imagenet", "file" or "random".
        path: the file, for "file".
        seed: what the random values are drawn from, for "random".
    """

    kind: str
    path: str | None = None
    seed: int = 0


def parse_weights(text: str) -> WeightsRequest:
    """Read the value of `--weights`: "imagenet", "random", "random:SEED", or a file.

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
    if not path.is_file():
        raise UsageError(f"--weights {text}: no such file (or use imagenet, or random)")
    if not text.endswith(".h5"):
        raise UsageError(f"--weights {text}: a weights file ends in .weights.h5 or .h5")
    return WeightsRequest("file", path=str(path.resolve()))
