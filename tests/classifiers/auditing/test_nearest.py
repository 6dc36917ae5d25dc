"""All pairs in blocks against a plain loop over them."""

from dataclasses import replace

import numpy as np
import pytest

import frozen_features as ff
from classifiers.auditing import nearest
from classifiers.auditing.directions import NEAR, Directions, directions, take_roots, unmeasured
from classifiers.auditing.nearest import components, nearness
from classifiers.heads.neighbours import unit_rows
from tests.classifiers.auditing.tables import Row, write_rows
from tests.pipelines.test_contract import CONTRACT


def made_up(count, length=6, seed=3):
    random = np.random.default_rng(seed)
    return unit_rows(random.normal(size=(count, length)).astype(np.float32))


@pytest.mark.parametrize("count", [1, 2, 7, 60])
@pytest.mark.parametrize("k", [1, 4])
def test_blocks_find_what_a_loop_finds(count, k, monkeypatch):
    monkeypatch.setattr(nearest, "ROWS", 7)
    monkeypatch.setattr(nearest, "COLUMNS", 11)
    monkeypatch.setattr(nearest, "LINKS_AT_ONCE", 5)
    vectors, threshold = made_up(count), 0.8
    found = nearness(vectors, threshold, k)
    products = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    parts = list(range(count))
    for one in range(count):
        others = sorted(
            (each for each in range(count) if each != one), key=lambda c: -products[one, c]
        )
        wanted = others[:k] + [-1] * (k - len(others))
        assert found.places[one].tolist() == wanted
        cosines = [products[one, c] for c in others[:k]] + [-1.0] * (k - len(others))
        np.testing.assert_allclose(found.cosines[one], cosines, atol=1e-6)
        for other in range(count):
            if other != one and products[one, other] >= threshold:
                parts = [parts[one] if part == parts[other] else part for part in parts]
    together = [[one for one in range(count) if parts[one] == part] for part in {*parts}]
    ours = [np.flatnonzero(found.parts == part).tolist() for part in {*found.parts.tolist()}]
    assert sorted(ours) == sorted(together)
    assert count < 60 or 1 < len(ours) < count


def test_zeros_are_near_nothing_and_many_equal_vectors_are_one_part(monkeypatch):
    monkeypatch.setattr(nearest, "ROWS", 16)
    monkeypatch.setattr(nearest, "COLUMNS", 16)
    vectors = np.zeros((50, 3), np.float32)
    vectors[5:45, 1] = 1.0
    found = nearness(vectors, 0.9, 2)
    assert len({*found.parts[5:45]}) == 1
    assert len({*found.parts.tolist()}) == 11
    assert found.cosines[0].max() <= 0.0
    assert found.cosines[5:45].min() == 1.0


def test_nothing_has_no_neighbours():
    found = nearness(np.empty((0, 4), np.float32), 0.5, 3)
    assert found.cosines.shape == (0, 3)
    assert len(found.parts) == 0


def test_components_are_what_links_join():
    found = components(5, np.array([0, 3]), np.array([4, 4])).tolist()
    assert found[0] == found[3] == found[4]
    assert len({*found}) == 3


@pytest.mark.parametrize("count", [5, 40])
def test_directions_are_turned_by_the_inverse_root_of_the_covariance(count):
    random = np.random.default_rng(1)
    given = random.normal(size=(count, 8)).astype(np.float32) * np.arange(1, 9, dtype=np.float32)
    roots = given.copy()
    take_roots(roots)
    np.testing.assert_allclose(np.sign(roots) * roots**2, given, rtol=1e-5)
    centred = roots - roots.mean(axis=0)
    covariance = np.cov(roots.T.astype(np.float64))
    ridge = np.trace(covariance) / 8 * (1.0 + 8 / count)
    values, vectors = np.linalg.eigh(covariance + ridge * np.eye(8))
    plain = centred @ (vectors / np.sqrt(values))
    plain /= np.linalg.norm(plain, axis=1, keepdims=True)
    found = directions(roots).units
    np.testing.assert_allclose(found @ found.T, plain @ plain.T, atol=2e-5)


def test_equal_images_have_no_direction():
    assert not directions(np.ones((3, 4), np.float32)).units.any()
    assert directions(np.empty((0, 4), np.float32)).units.shape == (0, 4)


@pytest.mark.parametrize("length", [3, 8, 200])
def test_chance_makes_one_pair_near_in_few_dimensions(length):
    """Of random directions about one pair is as near as that; in many dimensions none is."""
    counts = []
    for seed in range(20):
        units = made_up(300, length, seed)
        products = np.triu(units @ units.T, 1)
        counts.append((products >= Directions(units, length).near).sum())
    if length == 200:
        assert not any(counts)
        assert Directions(units, length).near == NEAR
    else:
        assert 0.4 < np.mean(counts) < 2.0


def test_dimensions_are_those_that_images_spread_over():
    roots = np.zeros((4000, 12), np.float32)
    roots[:, :5] = np.random.default_rng(0).normal(size=(4000, 5))
    assert directions(roots).dimensions == pytest.approx(5.0, abs=0.1)


def test_of_features_that_nobody_has_measured_the_threshold_for_that_is_said(tmp_path, monkeypatch):
    other = replace(CONTRACT, base="MobileNetV2", layer="out_relu")
    assert unmeasured(CONTRACT) is None
    assert "was measured with VGG16, not with MobileNetV2's out_relu: " in unmeasured(other)
    rows = [Row(f"{k}.jpg", each) for k, each in enumerate(np.eye(12))]
    table = write_rows(tmp_path / "table", rows, (12,)).uri
    assert ff.audit(table, pictures=0).unmeasured is None
    monkeypatch.setattr("classifiers.auditing.directions.MEASURED", set())
    told = ff.audit(table, pictures=0)
    assert told.unmeasured == unmeasured(CONTRACT)
    assert f"\n{told.unmeasured}\n" in f"{told}\n"
    assert ff.audit(table, pictures=0, near=0.7).unmeasured is None
