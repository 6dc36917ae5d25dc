"""Sets of classes hold the true one as often as is promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.models.conformal import fit_least, require_images
from pipelines.errors import UsageError


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.5, 0.8, 0.9, 0.95]),
    st.sampled_from(["normal", "ties", "heavy"]),
)
def test_coverage_holds_on_exchangeable_images(seed, coverage, kind):
    """Over many draws of n images and a new one, whatever their scores are distributed like."""
    random = np.random.default_rng(seed)
    draws, images = 2000, int(random.integers(19, 60))
    scores = random.standard_cauchy((draws, images + 1))
    if kind != "heavy":
        scores = random.normal(size=scores.shape).round(0 if kind == "ties" else 15)
    least = [fit_least(row[:-1], coverage) for row in scores]
    held = (scores[:, -1] >= least).mean()
    noise = 5 * np.sqrt(coverage * (1 - coverage) / draws)
    assert held >= coverage - noise
    if kind != "ties":  # and is no more than one image in n + 1 above it
        assert held <= coverage + 1 / (images + 1) + noise


def test_the_least_score_is_the_one_that_the_definition_names():
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))  # n = 99
    assert fit_least(scores, 0.95) == 5.0
    assert fit_least(scores, 0.99) == 1.0
    assert fit_least(np.arange(9.0), 0.9) == 0.0


@pytest.mark.parametrize(("images", "coverage"), [(19, 0.95), (9, 0.9), (99, 0.99), (1, 0.5)])
def test_images_are_enough_from_the_inverse_of_what_may_be_missed_on(images, coverage):
    require_images(images, coverage)
    with pytest.raises(UsageError, match=f"takes {images} images to validate on at least, and"):
        require_images(images - 1, coverage)
