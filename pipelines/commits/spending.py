"""What the parts of a run take, held against what was expected of them and what they may take."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.shards.counters import Counted


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a part before it begins.

    Attributes:
        images: rows to extract.
        seconds: wall-clock time, first shard to last; None where no earlier run, race or part
            tells a rate.
        money: in the currency of the price; None where either is unknown.
    """

    images: int
    seconds: float | None
    money: float | None


@dataclass(frozen=True, slots=True)
class Spent:
    """What a part took, from the commit before it, or the run's start, to its own.

    Attributes:
        images: rows that were extracted, or tried.
        seconds: wall-clock time.
        extract_seconds: of that, from the first shard's start to the last one's end.
        images_per_second: of all workers together, while they worked; None when nothing was tried.
        cpu_seconds: processor time of the workers, over all threads; 0 from a runner that keeps no
            counters.
        card_seconds: of the workers that had a graphics card, likewise.
        workers: that shared the work, as far as Beam's options say.
        price_per_hour: of a worker; None when not named.
        money: workers x hours x price; None without a price.
    """

    images: int = 0
    seconds: float = 0.0
    extract_seconds: float = 0.0
    images_per_second: float | None = None
    cpu_seconds: float = 0.0
    card_seconds: float = 0.0
    workers: int = 1
    price_per_hour: float | None = None
    money: float | None = None


NOTHING_SPENT = Spent()


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a run may take, and what that costs.

    Attributes:
        hours: wall-clock time; None for as much as it takes.
        budget: money; None likewise. Wants a price.
        price_per_hour: of a worker; None when not named.
    """

    hours: float | None = None
    budget: float | None = None
    price_per_hour: float | None = None

    def seconds(self, workers: int) -> float | None:
        """Wall-clock time that so many workers may take; None for as much as it takes."""
        limits = [] if self.hours is None else [self.hours * 3600]
        if self.budget is not None and self.price_per_hour is not None:
            limits.append(self.budget / (self.price_per_hour * workers) * 3600)
        return min(limits, default=None)


class Spending:
    """Keeps account of what one table's parts take in a run."""

    def __init__(
        self,
        allowance: Allowance,
        workers: int,
        rate: float | None,
        started: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin the account of a run.

        Args:
            allowance: what it may take.
            workers: that share the work.
            rate: images a second of one worker, as far as it is known before.
            started: when the run began, on that clock.
            now: the clock, in seconds.
        """
        self._allowance, self._workers, self._now = allowance, workers, now
        self._rate = None if rate is None else rate * workers
        self._started = self._since = started
        self._images, self._working = 0, 0.0

    def expect(self, images: int) -> Expected:
        """What a part of so many rows will take: at the run's own rate once it has one."""
        rate = self._rate
        if self._working:
            rate = self._images / self._working
        seconds = 0.0 if not images else images / rate if rate else None
        return Expected(images, _rounded(seconds), _rounded(self._money(seconds), 6))

    def took(
        self, images: int, extract_seconds: float, counted: Counted, share: float = 1.0
    ) -> Spent:
        """Close a part's account, just before its commit.

        Args:
            images: rows that were extracted, or tried.
            extract_seconds: from its first shard's start to its last one's end.
            counted: what the workers counted in it.
            share: of the time, 0-1, where other tables are filled with this one.
        """
        now = self._now()
        seconds, self._since = (now - self._since) * share, now
        extract_seconds *= share
        self._images += images
        self._working += extract_seconds
        worked = round(extract_seconds, 3)
        return Spent(
            images=images,
            seconds=round(seconds, 3),
            extract_seconds=worked,
            images_per_second=round(images / worked, 3) if worked else None,
            cpu_seconds=round(counted.cpu_seconds, 3),
            card_seconds=round(counted.card_seconds, 3),
            workers=self._workers,
            price_per_hour=self._allowance.price_per_hour,
            money=_rounded(self._money(seconds), 6),
        )

    def allows(self, seconds: float | None) -> bool:
        """Whether a part of so many seconds, begun now, would be extracted within the allowance.

        Args:
            seconds: that are expected of it; None counts as none.
        """
        limit = self._allowance.seconds(self._workers)
        return limit is None or self._now() - self._started + (seconds or 0.0) <= limit

    def _money(self, seconds: float | None) -> float | None:
        price = self._allowance.price_per_hour
        return None if seconds is None or price is None else self._workers * seconds / 3600 * price


def shares_of(counted: Mapping[int, Counted], tables: int) -> list[float]:
    """Shares of a part's time, 0-1, of tables that are filled together; they add up to 1.

    Args:
        counted: what workers counted, by place of the tables that had shards in the part.
        tables: how many there are.
    """
    worked = {place: each.waits.seconds for place, each in counted.items()}
    if not sum(worked.values()):  # nothing was extracted, or the runner keeps no counters
        worked = dict.fromkeys(counted or range(tables), 1.0)
    return [worked.get(place, 0.0) / sum(worked.values()) for place in range(tables)]


def total(parts: Sequence[Spent]) -> Spent:
    """What a run took, from what its parts took; at least one."""
    worked = round(sum(part.extract_seconds for part in parts), 3)
    images = sum(part.images for part in parts)
    money = [part.money for part in parts if part.money is not None]
    return Spent(
        images=images,
        seconds=round(sum(part.seconds for part in parts), 3),
        extract_seconds=worked,
        images_per_second=round(images / worked, 3) if worked else None,
        cpu_seconds=round(sum(part.cpu_seconds for part in parts), 3),
        card_seconds=round(sum(part.card_seconds for part in parts), 3),
        workers=parts[-1].workers,
        price_per_hour=parts[-1].price_per_hour,
        money=round(sum(money), 6) if money else None,
    )


def _rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)
