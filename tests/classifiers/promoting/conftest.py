"""Two heads on a table of made-up features: a good one and a poor one."""

from dataclasses import dataclass

import pytest

from classifiers import train
from tests.classifiers.tables import write_table


@dataclass(frozen=True)
class MadeUp:
    """A table and two models of it.

    Attributes:
        table: the table's folder.
        good: one with an accuracy above 0.9.
        poor: one below 0.8.
    """

    table: str
    good: str
    poor: str


@pytest.fixture(scope="module")
def made_up(tmp_path_factory) -> MadeUp:
    """Tests must not change the models; that the table is told of more of them does no harm."""
    folder = tmp_path_factory.mktemp("promoted")
    write_table(folder / "table", {"train": 4, "test": 4}, ("a", "b"))
    for name, more in (("good", []), ("poor", ["--class_weight", "a=1e6,b=1e-6"])):
        options = ["--table", str(folder / "table"), "--head", "logistic", "--model"]
        assert train.main([*options, str(folder / name), *more]) == 0
    return MadeUp(*(str(folder / name) for name in ("table", "good", "poor")))
