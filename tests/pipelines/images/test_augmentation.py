"""Copies are the book's transforms, drawn the same wherever they are drawn."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras.src.legacy.preprocessing.image import apply_affine_transform

from pipelines.contract import (
    FILLS,
    Augmentation,
    augmentation_from_json,
    require_same_augmentation,
)
from pipelines.errors import ContractMismatchError
from pipelines.images.augmentation import augment, draw_transform, transform_pixels

POLICY = Augmentation()
STILL = Augmentation(0.0, 0.0, 0.0, 0.0, 0.0, horizontal_flip=False)


def picture(size: int = 40) -> np.ndarray:
    """Smooth in both directions, so that interpolation is exact and directions differ."""
    rows, columns = np.mgrid[:size, :size]
    return np.stack([5 * rows, 5 * columns, 2 * rows + 3 * columns], axis=-1).astype(np.uint8)


@settings(deadline=None, max_examples=30)
@given(
    theta=st.floats(-40, 40),
    x=st.floats(-8, 8),
    y=st.floats(-8, 8),
    shear=st.floats(-12, 12),
    zoom_x=st.floats(0.8, 1.2),
    zoom_y=st.floats(0.8, 1.2),
    fill=st.sampled_from(FILLS),
)
def test_a_matrix_does_what_keras_s_generator_did(theta, x, y, shear, zoom_x, zoom_y, fill):
    angle, lean = math.radians(theta), math.radians(shear)
    matrix = np.eye(3)
    for step in (
        [[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]],
        [[1, 0, x], [0, 1, y], [0, 0, 1]],
        [[1, -math.sin(lean), 0], [0, math.cos(lean), 0], [0, 0, 1]],
        [[zoom_x, 0, 0], [0, zoom_y, 0], [0, 0, 1]],
    ):
        matrix = matrix @ np.array(step)
    pixels = picture()
    wanted = apply_affine_transform(
        pixels.astype(np.float64), theta, x, y, shear, zoom_x, zoom_y, 0, 1, 2, fill
    )
    found = transform_pixels(pixels, matrix, fill)
    np.testing.assert_allclose(found, wanted, atol=0.5 + 1e-6)


def test_a_copy_is_composed_of_what_its_policy_allows():
    for field, value in [("rotation", 40.0), ("shear", 0.2), ("zoom", 0.2), ("width_shift", 0.2)]:
        one = replace(STILL, **{field: value})
        matrices = [draw_transform(one, "an id", copy, 100).matrix for copy in range(1, 400)]
        found = np.stack(matrices)
        if field == "rotation":
            angles = np.degrees(np.arctan2(found[:, 1, 0], found[:, 0, 0]))
            spread = angles
            np.testing.assert_allclose(np.linalg.det(found), 1.0)
        elif field == "shear":
            spread = np.arcsin(-found[:, 0, 1]) * 200
            np.testing.assert_allclose(found[:, 1, 0], 0.0)
        elif field == "zoom":
            spread = (found[:, 0, 0] - 1) * 200
            assert np.corrcoef(found[:, 0, 0], found[:, 1, 1])[0, 1] < 0.2  # each on its own
        else:
            spread = found[:, 0, 2] * 2
            np.testing.assert_array_equal(found[:, 1, 2], 0.0)
        assert -40 <= spread.min() < -38
        assert 38 < spread.max() <= 40
        assert abs(spread.mean()) < 3


def test_half_of_the_copies_are_mirrored():
    flips = [draw_transform(POLICY, "an id", copy, 100).flip for copy in range(1, 1001)]
    assert 450 < sum(flips) < 550
    assert not any(draw_transform(STILL, "an id", copy, 100).flip for copy in range(1, 100))
    only_flip = replace(STILL, horizontal_flip=True)
    copy = flips.index(True) + 1
    pixels = picture()
    np.testing.assert_array_equal(augment(pixels, only_flip, "an id", copy), pixels[:, ::-1])


def test_a_copy_hangs_on_seed_id_and_number_alone():
    pixels = picture()
    one = augment(pixels, POLICY, "train/cats/a.jpg", 1)
    np.testing.assert_array_equal(one, augment(pixels, POLICY, "train/cats/a.jpg", 1))
    others = [
        augment(pixels, POLICY, "train/cats/a.jpg", 2),
        augment(pixels, POLICY, "train/cats/b.jpg", 1),
        augment(pixels, replace(POLICY, seed=1), "train/cats/a.jpg", 1),
    ]
    assert all(not np.array_equal(one, other) for other in others)
    # Ids that are not UTF-8 have copies too.
    assert augment(pixels, POLICY, "a\udcff.jpg", 1).shape == pixels.shape


def test_draws_stay_what_they_are_in_later_versions():
    transform = draw_transform(POLICY, "train/cats/cat.0.jpg", 1, 150)
    wanted = [
        [0.914411243591085, -0.09136410103870646, 3.658282436386946],
        [0.07985979699555831, 0.9245212969014553, -11.507343507966732],
    ]
    np.testing.assert_allclose(transform.matrix[:2], wanted, rtol=1e-12)
    assert not transform.flip


def test_a_policy_that_moves_nothing_copies():
    np.testing.assert_array_equal(augment(picture(), STILL, "a", 1), picture())


def test_policies_are_kept_as_text_and_compared_by_field():
    assert augmentation_from_json(POLICY.canonical_json()) == POLICY
    with pytest.raises(ValueError, match="no augmentation of this version"):
        augmentation_from_json('{"rotation": 1.0, "colour": 2}')
    require_same_augmentation(POLICY, replace(POLICY))
    with pytest.raises(ContractMismatchError, match=r"zoom: 0\.2 in the table, 0\.5 in these") as e:
        require_same_augmentation(POLICY, replace(POLICY, zoom=0.5))
    assert "rotation" not in str(e.value)
