"""A run that is far slower than the race that chose its engine has the engines race again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.commits import table_run
from pipelines.driver import extract
from pipelines.engines import choosing, opening
from pipelines.engines.bottleneck import Waits
from pipelines.engines.race_results import Choice, Trial, races, remember, remembered, slow_run
from pipelines.engines.request import Computation
from pipelines.engines.second_race import is_slow, race_again_if_slow
from pipelines.planning.job import make_contract
from pipelines.shards.counters import Counted
from pipelines.table.feature_table import FeatureTable
from tests.conftest import TINY


@pytest.fixture(autouse=True)
def _no_engine_is_open(monkeypatch):
    monkeypatch.setattr(opening, "_engines", {})
    monkeypatch.setattr(opening, "_bases", {})


@pytest.fixture
def asked():
    return Computation(make_contract(TINY), TINY.weights, 8, 2)


def raced(rate, engine="keras", lived=None):
    return Choice(engine, "the fastest of a race", (Trial(engine, rate, 0.0, None),), lived)


@given(st.floats(1.0, 1000.0), st.floats(0.1, 2000.0))
def test_less_than_half_is_slow(found, ran):
    assert is_slow(raced(found), ran) is (ran < found / 2)
    assert not is_slow(Choice("keras", "as named by --engine"), ran)


@given(st.floats(1.0, 1000.0), st.floats(1.0, 1000.0), st.floats(0.1, 2000.0))
def test_a_run_is_held_against_the_slow_one_before_it(found, lived, ran):
    assert is_slow(raced(found, lived=lived), ran) is (ran < lived / 2)


def test_the_next_run_races_when_nothing_is_left_of_this_one(asked, capsys):
    choice = raced(60.0)
    remember(asked, choice)
    assert race_again_if_slow(choice, "auto", asked, 31.0, ()) is None
    assert remembered(asked) is not None
    assert race_again_if_slow(choice, "auto", asked, 12.5, ()) is None
    assert (
        capsys.readouterr()
        .err.strip()
        .endswith(
            "the base ran at 12.5 images/s, less than half of the 60.0 of its race: "
            "the engines race again in the next run"
        )
    )
    assert remembered(asked) is None
    assert slow_run(asked) == 12.5
    assert [race.counts for race in races()] == [False]
    remember(asked, raced(50.0, lived=12.5))  # as that run's race does
    assert remembered(asked).lived == 12.5
    assert slow_run(asked) is None


def test_a_named_engine_and_an_unmeasured_run_are_left_alone(asked, capsys):
    assert race_again_if_slow(raced(60.0), "auto", asked, None, ()) is None
    assert race_again_if_slow(Choice("keras", "named"), "keras", asked, 0.1, ()) is None
    assert capsys.readouterr().err == ""


@pytest.mark.acceptance
def test_a_slow_part_has_the_engines_race_for_the_next(
    dataset, make_job, tmp_path, monkeypatch, asked, capsys
):
    """Through the driver: three parts, of which the neighbours slow the first."""
    for module, name in ((choosing, "RACE_FROM"), (table_run, "MEASURED_FROM")):
        monkeypatch.setattr(module, name, 10)
    monkeypatch.setattr("pipelines.engines.second_race.RACE_FROM", 10)
    held = []

    def race(computation, images, lived=None):
        held.append((len(images), lived))
        choice = raced(1e-6, lived=lived)  # no run is slower than that
        remember(computation, choice)
        return choice

    remember(asked, raced(1e9))  # found in a quiet moment
    monkeypatch.setattr(choosing, "race", race)
    job = make_job(dataset, tmp_path / "features", shard_rows=8, commit_every=32)
    report = extract(job)
    said = capsys.readouterr().err
    assert report.counts["written"] == 88
    assert said.count("the engines race again") == 1
    assert "less than half of the 1000000000.0 of its race" in said
    ((images, lived),) = held
    assert images == 88 - 32  # those of the parts to come
    assert lived > 0
    history = FeatureTable.open(str(tmp_path / "features")).history()
    runs = [version["run"] for version in reversed(history) if version["run"]]
    rates = [run["choice"]["trials"][0]["images_per_second"] for run in runs]
    assert rates == [1e9, 1e-6, 1e-6]
    assert remembered(asked).lived == lived


def test_the_rate_of_the_base_is_that_of_one_worker_while_it_ran():
    counted = Counted(Waits(base=4.0, images=16.0), images=200)
    assert counted.base_images_per_second == 50.0
    assert Counted().base_images_per_second is None
