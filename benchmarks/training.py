"""Training a head by this project and as a user would write it, on the same features, in turn.

Each is a process of its own, from start to saved model. The plain ways read NumPy files that are
written beforehand, this project its table. An epoch of the dense head is what lies between the
lines that both tell at an epoch's end, validation included; the first epoch, which has the start
and compilation before it, stands apart.
"""

import argparse
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.alternating import hold_against_first, spread, take_in_turn
from benchmarks.child import ChildError, Finished, Line, run_module
from benchmarks.feature_rows import add_table_options, ready_table
from benchmarks.plain_arrays import save_splits
from benchmarks.result import Cell, Result, Table, show
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.errors import UsageError

PLAIN = "plain"
OURS = "this project"
HEADS = ("dense", "logistic", "linear_svm")
EPOCH = re.compile(r"epoch \d+ of \d+")


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_training, argv)


def _training(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--repeats", type=positive_number, default=5)
    parser.add_argument("--epochs", type=positive_number, default=30, help="of the dense head")
    parser.add_argument("--json", type=local_path, help="also write the result here")
    add_table_options(parser)
    options = parser.parse_args(argv)
    if options.epochs < 2:
        raise UsageError("--epochs 1: take at least 2, the first one is not counted")
    table = ready_table(options)
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, table, Path(folder)), options.json)


@dataclass(frozen=True, slots=True)
class _Trained:
    """One training: its process and the validation accuracy of its model."""

    process: Finished
    accuracy: float


@dataclass(frozen=True, slots=True)
class _Trainers:
    """The commands that train, plain and ours, on the same rows."""

    arrays: Path
    table: Path
    folder: Path
    epochs: int

    def of(self, head: str) -> Mapping[str, Callable[[], _Trained]]:
        """Both ways of training one head; the plain one is what ours is held against."""
        return {PLAIN: lambda: self._plain(head), OURS: lambda: self._ours(head)}

    def _plain(self, head: str) -> _Trained:
        result = self.folder / "plain.json"
        if head == "dense":
            process = run_module("benchmarks.plain_keras", self.arrays, self.epochs, result)
        else:
            process = run_module("benchmarks.plain_scikit", self.arrays, head, result)
        return _Trained(process, json.loads(result.read_text(encoding="utf-8"))["accuracy"])

    def _ours(self, head: str) -> _Trained:
        result = self.folder / "ours.json"
        given = ["--table", self.table, "--head", head, "--json", result]
        model = ["--model", self.folder / "model", "--overwrite"]
        epochs = ["--epochs", self.epochs] if head == "dense" else []
        process = run_module("classifiers.train", *given, *model, *epochs)
        card = json.loads(result.read_text(encoding="utf-8"))
        return _Trained(process, card["metrics"]["validation"]["accuracy"])


def _measure(options: argparse.Namespace, table: Path, folder: Path) -> Result:
    arrays = folder / "arrays"
    rows, length = save_splits(table, arrays)
    trainers = _Trainers(arrays, table, folder, options.epochs)
    runs = {head: take_in_turn(trainers.of(head), options.repeats) for head in HEADS}
    return Result(
        "Training",
        {"rows": rows, "features": length, "epochs": options.epochs, "repeats": options.repeats},
        [_epochs(runs["dense"]), _commands(runs)],
        {
            head: {way: [each.process.seconds for each in done] for way, done in by_way.items()}
            for head, by_way in runs.items()
        },
    )


def _epochs(runs: Mapping[str, Sequence[_Trained]]) -> Table:
    ends = {way: [epoch_ends(each.process.lines) for each in done] for way, done in runs.items()}
    firsts = {way: statistics.median(each[0] for each in done) for way, done in ends.items()}
    timings = hold_against_first(
        {
            way: [(each[-1] - each[0]) / (len(each) - 1) for each in done]
            for way, done in ends.items()
        }
    )
    rows = [
        (way, each.median_seconds, *spread(each.ratios), firsts[way])
        for way, each in timings.items()
    ]
    columns = ("way", "median s an epoch", "ratio", "least", "most", "s to the first one's end")
    return Table("The dense head's epochs, against model.fit on a NumPy array", columns, rows)


def _commands(runs: Mapping[str, Mapping[str, Sequence[_Trained]]]) -> Table:
    rows: list[Sequence[Cell]] = []
    for head, by_way in runs.items():
        timings = hold_against_first(
            {way: [each.process.seconds for each in done] for way, done in by_way.items()}
        )
        for way, each in timings.items():
            accuracy = statistics.median(trained.accuracy for trained in by_way[way])
            rows.append((head, way, each.median_seconds, *spread(each.ratios), accuracy))
    columns = ("head", "way", "median s", "ratio", "least", "most", "validation accuracy")
    return Table("Whole commands, from process start to saved model", columns, rows)


def epoch_ends(lines: Sequence[Line]) -> list[float]:
    """When each epoch ended, in seconds since the process was started.

    Raises:
        ChildError: the process did not tell of two epochs or more.
    """
    ends = [line.seconds for line in lines if EPOCH.match(line.text)]
    if len(ends) < 2:
        raise ChildError("the training does not tell its epochs on stderr as 'epoch 1 of 30'")
    return ends


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
