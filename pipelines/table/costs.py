"""What a table's runs took, added up from the records of its commits."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from pipelines.untrusted import value_from_json


@dataclass(frozen=True, slots=True)
class Costs:
    """What the commits took that say so.

    Attributes:
        commits: how many say it.
        images: rows that they extracted, or tried.
        seconds: wall-clock time.
        cpu_seconds: processor time of the workers.
        card_seconds: of the workers that had a graphics card.
        money: of the commits whose run named a price; None where none did.
        priced_images: rows of these.
    """

    commits: int
    images: int
    seconds: float
    cpu_seconds: float
    card_seconds: float
    money: float | None
    priced_images: int

    @property
    def money_per_million(self) -> float | None:
        """Money for a million images; None without a price, or without images."""
        if self.money is None or not self.priced_images:
            return None
        return self.money / self.priced_images * 1e6

    def describe(self) -> str:
        """All of it in one line."""
        said = [
            f"{self.images} images in {self.seconds:.1f} s",
            f"{self.cpu_seconds:.1f} s of processors",
            f"{self.card_seconds:.1f} s of cards",
        ]
        if self.money is not None:
            said.append(f"money {self.money:,.4g}")
        if self.money_per_million is not None:
            said.append(f"{self.money_per_million:,.4g} per million images")
        return ", ".join(said)


class _Spent(TypedDict):
    """Of a record, which another program may have written; as in `commits.spending.Spent`."""

    images: int
    seconds: float
    cpu_seconds: float
    card_seconds: float
    money: float | None


def costs_of(history: Iterable[Mapping[str, Any]]) -> Costs | None:
    """Add up what commits took; None where no record says it.

    Args:
        history: commits, as `FeatureTable.history` gives them.
    """
    spent = [each for each in map(_spent_of, history) if each is not None]
    if not spent:
        return None
    priced = [(each["money"], each["images"]) for each in spent if each["money"] is not None]
    return Costs(
        commits=len(spent),
        images=sum(each["images"] for each in spent),
        seconds=round(sum(each["seconds"] for each in spent), 3),
        cpu_seconds=round(sum(each["cpu_seconds"] for each in spent), 3),
        card_seconds=round(sum(each["card_seconds"] for each in spent), 3),
        money=round(sum(money for money, _ in priced), 6) if priced else None,
        priced_images=sum(images for _, images in priced),
    )


def _spent_of(commit: Mapping[str, Any]) -> _Spent | None:
    spent = (commit["run"] or {}).get("spent")
    try:
        return value_from_json(json.dumps(spent), _Spent)
    except ValueError:
        return None
