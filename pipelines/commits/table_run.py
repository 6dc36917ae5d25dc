"""One table of a run: what its parts take, its commits, and the report at the end."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from pipelines.cli import log
from pipelines.commits.books import counts_of_run
from pipelines.commits.report import ExtractReport
from pipelines.commits.run_gauges import RunGauges
from pipelines.commits.run_record import MEASURED_FROM, run_record
from pipelines.commits.settlement import Settled, Settlement
from pipelines.commits.spending import Expected, Spending, Spent, total
from pipelines.engines.second_race import race_again_if_slow
from pipelines.images.picked import joined
from pipelines.planning.announcement import Announcement
from pipelines.planning.decision import Decision
from pipelines.planning.run import Run
from pipelines.records import Shard
from pipelines.shards.counters import Counted
from pipelines.system.cores import usable_cores


class TableRun:
    """A table between the plan and the end of a run, which may fill others beside it.

    Attributes:
        run: the run, as far as this table goes.
        decision: what is done to it.
    """

    def __init__(
        self,
        run: Run,
        decision: Decision,
        spending: Spending,
        gauges: RunGauges,
        called: str = "",
    ) -> None:
        """Begin with nothing done.

        Args:
            run: the run, as far as this table goes.
            decision: what is to be done to it.
            spending: keeps account of it.
            gauges: tell a monitor of it.
            called: what begins each line that is logged of it.
        """
        self.run, self.decision = run, decision
        self._settlement = Settlement(run, decision)
        self._spending, self._gauges, self._called = spending, gauges, called
        self._counted = Counted()
        self._parts: list[Spent] = []
        self._expected: list[Expected] = []
        self._commits: list[dict[str, int]] = []
        self._settled: Settled | None = None
        self._stopped = False

    def say(self, announcement: Announcement) -> None:
        """Say what is to be done, and by which engine."""
        lines = [announcement.said_of(self.decision.plan), *announcement.remarks]
        choice, contract = self.decision.choice, self.run.contract
        if choice is not None:
            lines.append(f"{contract.base}, weights {contract.weights[:12]}; {choice.describe()}")
        for line in lines:
            log(f"{self._called}{line}")

    def rows(self, part: int) -> int:
        """Rows that a part has for this table."""
        return _rows(self._shards(part))

    def begin(self, part: int) -> None:
        """Say what is expected of a part."""
        self._expected.append(self.expect(part))
        failures = 0 if self._settled is None else len(self._settled.failures)
        waiting = sum(map(_rows, self.decision.plan.parts[part:]))
        self._gauges.part_begins(self._expected[-1], failures, waiting)

    def expect(self, part: int) -> Expected:
        """What a part will take, as far as this table goes."""
        return self._spending.expect(self.rows(part))

    def allows(self, seconds: float) -> bool:
        """See `Spending.allows`; the allowance is one for all tables of a run."""
        return self._spending.allows(seconds)

    def took(self, part: int, seconds: float, counted: Counted, share: float) -> None:
        """Take note of what a part took, before it is committed; see `Spending.took`."""
        self._counted += counted
        self._parts.append(self._spending.took(self.rows(part), seconds, counted, share))

    def settle(self, part: int) -> None:
        """Commit what a part has for this table; the first part also commits what was finished.

        Raises:
            CommitRefusedError: see `Settlement.settle`.
        """
        if self._settled is not None and not self._shards(part):
            return
        record = run_record(
            self.run, self.decision.choice, total(self._parts).extract_seconds, self._counted
        )
        record |= {"forecast": asdict(self._expected[-1]), "spent": asdict(self._parts[-1])}
        waiting = self._waiting(part)
        settled = self._settled = self._settlement.settle(record, waiting)
        self._commits.append(settled.counts)
        spent, expected = total(self._parts), [each.seconds for each in self._expected]
        foreseen = None if None in expected else sum(each for each in expected if each)
        self._gauges.committed(settled, spent, foreseen, self._counted.waits, self.run.uri)
        if waiting:
            parts = len(self.decision.plan.parts)
            log(f"{self._called}part {part + 1} of {parts} is version {settled.version}")

    def race_again_if_slow(self, part: int, counted: Counted) -> None:
        """After a part: have the engines race again if the base was much slower than in its race.

        Args:
            part: which it was.
            counted: in it, for this table.
        """
        run, choice = self.run, self.decision.choice
        if choice is None or counted.images < MEASURED_FROM:
            return
        rest = joined([shard.refs for shard in self._waiting(part)])
        rate = counted.base_images_per_second
        again = race_again_if_slow(choice, run.job.engine, run.computation, rate, rest)
        if again is not None:
            self.decision = replace(self.decision, choice=again[0], engine=again[1])

    def stop(self, part: int) -> None:
        """End with a part that is settled, before the last."""
        if self._settled is not None and self._waiting(part):
            self._settlement.end_early(self._settled.failures)
            self._stopped = True

    def report(self, seconds: float) -> ExtractReport:
        """What became of the table, of which at least one part is settled.

        Args:
            seconds: wall-clock time of the run.
        """
        if self._settled is None:
            raise ValueError("nothing is settled yet")
        run, settled, spent = self.run, self._settled, total(self._parts)
        choice, plan = self.decision.choice, self.decision.plan
        return ExtractReport(
            run=run.id,
            table=run.uri,
            version=settled.version,
            contract=run.contract,
            engine=None if choice is None else choice.engine,
            waits=self._counted.waits,
            mean_batch=self._counted.mean_batch,
            threads=run.computation.threads or usable_cores(),
            attempted=spent.images + len(plan.unusable),
            counts=counts_of_run(self._commits),
            leakage=settled.leakage,
            failures=settled.failures,
            seconds=seconds,
            extract_seconds=spent.extract_seconds,
            spent=spent,
            stopped=self._stopped,
            before=self.decision.version,
        )

    def _shards(self, part: int) -> Sequence[Shard]:
        parts = self.decision.plan.parts
        return parts[part] if parts else ()

    def _waiting(self, part: int) -> list[Shard]:
        return [shard for later in self.decision.plan.parts[part + 1 :] for shard in later]


def _rows(part: Sequence[Shard]) -> int:
    return sum(len(shard.refs) for shard in part)
