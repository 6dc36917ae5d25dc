"""What a kind of head says of itself: its name, its options, how it is made and read back."""

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from classifiers.heads.head import FittedHead, Head
from pipelines.contract import Contract


@dataclass(frozen=True, slots=True)
class HeadOption:
    """An option of a kind of head; kinds that share one share its meaning.

    Attributes:
        name: without the dashes; also what `HeadKind.make` finds its value under.
        parse: makes a value of text; raises argparse.ArgumentTypeError.
        help: what it means, where the name does not say it.
        default: what the kind has if it is not given, to be shown; None where `help` says it.
        choices: the only values; none for any.
        metavar: what stands for a value in the help; None for the name.
    """

    name: str
    parse: Callable[[str], Any]
    help: str = ""
    default: float | None = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None


@dataclass(frozen=True, slots=True)
class HeadKind:
    """A kind of head.

    Attributes:
        head: what `--head` calls it.
        group: what its options stand under in the help, and what is said of them there.
        options: those that it has a use for.
        make: a head of this kind: (values of the options that were given, the contract of the
            table). The contract is a function, since most kinds do without opening the table.
        fitted: what a trained one is, and what reads it back.
        top: what `--top` calls the head on a base that is trained with it; None for a head alone.
    """

    head: str
    group: tuple[str, str | None]
    options: tuple[HeadOption, ...]
    make: Callable[[Mapping[str, Any], Callable[[], Contract]], Head]
    fitted: type[FittedHead]
    top: str | None = None

    @property
    def name(self) -> str:
        """What a command line says to have it."""
        return self.head if self.top is None else f"{self.head} --top {self.top}"


def share(text: str) -> float:
    """An option's value that is at least 0 and below 1."""
    value = real_from_zero(text)
    if value >= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not at least 0 and below 1")
    return value


def real_from_zero(text: str) -> float:
    """An option's value that is a finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number of at least 0")
    return value
