"""How large shards are, where `--shard_size` does not say: by bytes, by time, and by workers."""

import math
from dataclasses import dataclass

from pipelines.engines.race_results import Choice
from pipelines.table.feature_table import FeatureTable

SHARD_BYTES = 32 * 2**20
"""Raw features that a shard holds at most: 1,024 rows of VGG16 at 150 x 150."""

SHARD_SECONDS = 60.0
"""Work of a shard at most, about: what a worker that dies has to do again."""

LEAST_SECONDS = 2.0
"""Work of a shard at least, about: starting and ending one takes a tenth of a second."""

SHARDS_A_WORKER = 4
"""Shards that each worker gets at least, so that none waits long for the others at the end."""

ASSUMED_RATE = 16.0
"""Images a second of a worker that nothing is known of: slow, so that shards are rather too short.
A minute of it is about as many rows as VGG16's shards have by bytes."""


@dataclass(frozen=True, slots=True)
class ShardSizes:
    """What decides how many rows a shard has.

    Attributes:
        named: what `--shard_size` says, which then decides alone; None when it says nothing.
        feature_length: features an image.
        batch_size: images the engine takes at once.
        images_per_second: of one worker, as far as it is known.
    """

    named: int | None
    feature_length: int
    batch_size: int
    images_per_second: float | None

    @property
    def most(self) -> int:
        """Rows that no shard exceeds, whatever is to be extracted."""
        by_bytes = SHARD_BYTES // (4 * self.feature_length)
        return self.named or self._batches(min(by_bytes, self._in(SHARD_SECONDS)))

    @property
    def least(self) -> int:
        """Rows below which work is not cut any further."""
        return self.named or min(self.most, self._batches(self._in(LEAST_SECONDS)))

    def rows(self, count: int, workers: int) -> int:
        """Rows of a shard when so many rows are shared by so many workers, in whole batches.

        All workers get as many shards as each other, `SHARDS_A_WORKER` or more, as far as whole
        batches and `least` allow.
        """
        shards = workers * max(SHARDS_A_WORKER, math.ceil(count / (workers * self.most)))
        share = math.ceil(count / (shards * self.batch_size)) * self.batch_size
        return min(self.most, max(self.least, share))

    def _in(self, seconds: float) -> float:
        return seconds * (self.images_per_second or ASSUMED_RATE)

    def _batches(self, rows: float) -> int:
        return max(1, int(rows / self.batch_size)) * self.batch_size


def known_rate(table: FeatureTable | None, choice: Choice) -> float | None:
    """Images a second of one worker: in the last run that measured it, or in the engine's race.

    Args:
        table: the newest version, whose runs were of the same contract.
        choice: the engine; another one's rate says nothing.
    """
    for commit in [] if table is None else table.history():
        run = commit["run"] or {}
        rate = run.get("images_per_second")
        if run.get("engine") == choice.engine and isinstance(rate, float) and rate > 0:
            return rate
    return choice.images_per_second
