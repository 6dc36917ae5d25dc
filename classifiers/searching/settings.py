"""Settings that are searched: heads, scalers, values of C."""

import argparse
from dataclasses import dataclass
from itertools import product

import numpy as np

from classifiers.heads.scikit import SCALERS
from pipelines.cli import positive_real

SEARCHED = ("logistic", "linear_svm")
"""Heads that can be searched."""

DEFAULT_C = "1e-7:100:19"


@dataclass(frozen=True, slots=True)
class Setting:
    """What one model would be trained with.

    Attributes:
        head: kind of head.
        scaler: what is done to features first.
        c: inverse strength of the regularisation.
    """

    head: str
    scaler: str
    c: float


@dataclass(frozen=True, slots=True)
class Space:
    """All settings: each head with each scaler and each C.

    Attributes:
        heads: kinds of head.
        scalers: scalers.
        strengths: values of C, ascending.
    """

    heads: tuple[str, ...]
    scalers: tuple[str, ...]
    strengths: tuple[float, ...]

    def settings(self) -> list[Setting]:
        """All of them."""
        return [Setting(*each) for each in product(self.heads, self.scalers, self.strengths)]


def heads_named(text: str) -> tuple[str, ...]:
    """An option's value such as `logistic,linear_svm`."""
    return _named(text, SEARCHED, "head that can be searched")


def scalers_named(text: str) -> tuple[str, ...]:
    """An option's value such as `standardise,l2`."""
    return _named(text, SCALERS, "scaler")


def strengths_named(text: str) -> tuple[float, ...]:
    """An option's value such as `1e-3,1,100`, or `LEAST:GREATEST:COUNT` in equal ratios."""
    if ":" not in text:
        return tuple(sorted({positive_real(each) for each in text.split(",")}))
    parts = text.split(":")
    if len(parts) != 3 or not parts[2].isdecimal() or not 2 <= int(parts[2]) <= 1000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither values such as 0.001,1,100 nor LEAST:GREATEST:COUNT, with a "
            "count from 2 to 1000"
        )
    least, greatest = positive_real(parts[0]), positive_real(parts[1])
    if least >= greatest:
        raise argparse.ArgumentTypeError(f"{text!r} goes from {least:g} down to {greatest:g}")
    # Rounded, so that the grid is what it says: 0.001, not 0.0009999999999999994.
    return tuple(float(f"{c:.6g}") for c in np.geomspace(least, greatest, int(parts[2])))


def _named(text: str, known: tuple[str, ...], what: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"no {what} {name!r}, there are {', '.join(known)}")
    return names
