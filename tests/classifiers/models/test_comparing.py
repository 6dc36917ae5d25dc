"""Models held against each other on the same images."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

import frozen_features as ff
from classifiers import evaluate
from classifiers.models.comparing import difference_of
from pipelines.errors import UsageError


def pairs(both: int, first: int, second: int, none: int):
    """Two models' answers by how many images both, one or none of them tell right."""
    counts = (both, first, second, none)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False] * 2, counts)


def test_newcombe_s_own_examples():
    # Newcombe (1998), Statistics in Medicine 17, 2635: table II, method 10, first less second.
    for counts, low, high in [((36, 12, 2, 0), 0.0569, 0.3404), ((36, 14, 0, 0), 0.1528, 0.4167)]:
        found = difference_of(*pairs(*counts))
        assert -found.interval[1] == pytest.approx(low, abs=6e-4)
        assert -found.interval[0] == pytest.approx(high, abs=6e-4)


def test_mcnemar_s_exact_test_by_hand():
    # Of 10 images that one alone is right of, 9 are the first's: 2 (1 + 10) / 2^10.
    found = difference_of(*pairs(80, 9, 1, 10))
    assert found.p_value == pytest.approx(22 / 1024)
    assert found.difference == pytest.approx(-0.08)
    assert (found.only_first, found.only_second) == (9, 1)
    assert difference_of(*pairs(5, 0, 0, 5)).p_value == 1.0


@given(st.tuples(*[st.integers(0, 300)] * 4).filter(any))
def test_an_interval_holds_its_difference_and_turns_round(counts):
    first, second = pairs(*counts)
    found, back = difference_of(first, second), difference_of(second, first)
    low, high = found.interval
    assert -1.0 <= low <= found.difference <= high <= 1.0
    assert back.interval == pytest.approx((-high, -low))
    assert back.p_value == pytest.approx(found.p_value)


def test_of_many_images_the_test_is_the_classic_one():
    found = difference_of(*pairs(8000, 520, 430, 1000))
    statistic = (abs(520 - 430) - 1) ** 2 / (520 + 430)
    assert found.p_value == pytest.approx(chi2.sf(statistic, 1), rel=0.02)


@pytest.fixture
def models(table, tmp_path) -> list[str]:
    from classifiers import train

    made = []
    for head, options in {"logistic": (), "linear_svm": ("--C", "1e-9")}.items():
        made.append(str(tmp_path / head))
        given = ["--table", str(table), "--head", head, "--model", made[-1], *options]
        assert train.main(given) == 0
    return made


def test_the_command_and_the_function_say_the_same(table, models, tmp_path, capsys):
    file = tmp_path / "x.json"
    on = ["--table", str(table), "--json", str(file)]
    assert evaluate.main([*on, "--model", models[0], "--compare", models[1], models[0]]) == 0
    first, second, again = json.loads(file.read_text())["models"]
    said = capsys.readouterr().out
    assert "McNemar's p" in said
    assert "difference" not in first
    assert second["difference"] == pytest.approx(second["accuracy"] - first["accuracy"])
    assert (again["difference"], again["mcnemar_p"]) == (0.0, 1.0)
    by_function = ff.compare([*models, models[0]], table=table)
    assert json.loads(json.dumps(by_function.as_json()))["models"] == [first, second, again]


def test_models_that_cannot_be_compared(table, models):
    with pytest.raises(UsageError, match="name at least two models"):
        ff.compare(models[:1], table=table)
