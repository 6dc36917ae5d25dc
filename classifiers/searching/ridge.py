"""The ridge classifier over a path of C, from one decomposition for all values of it.

It fits 1 for a row of a class and -1 for one of another by weighted least squares, with an
intercept that is not regularised, as scikit-learn's `RidgeClassifier` with alpha 1 / C.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.heads.losses import Floats, Targets


@dataclass(frozen=True, slots=True)
class Decomposed:
    """Least squares in a basis in which every unknown stands alone.

    Attributes:
        squares: float64 (r,), what each unknown is multiplied by, at least 0.
        right: float64 (r, K), what that is to be.
        test: float64 (m, r), the test rows in the basis.
        means: float64 (K,), of the values fitted, weighted.
    """

    squares: Floats
    right: Floats
    test: Floats
    means: Floats

    def path(self, strengths: Sequence[float]) -> Iterator[Floats]:
        """Scores (m, K) of the test rows at each C."""
        for c in strengths:
            yield self.test @ (self.right / (self.squares + 1.0 / c)[:, None]) + self.means


def signs_of(targets: Targets, classes: int) -> Floats:
    """What is fitted, (n, classes), or (n, 1) of the second of two classes."""
    numbers = [1] if classes == 2 else np.arange(classes)
    return np.where(targets[:, None] == numbers, 1.0, -1.0)


def of_products(train: Floats, test: Floats, signs: Floats, weights: Floats) -> Decomposed:
    """The problem of rows whose inner products are known.

    Args:
        train: (n, n), of the training rows.
        test: (m, n), of test and training rows.
        signs: (n, K), what is fitted.
        weights: (n,), of the training rows.
    """
    from scipy.linalg import eigh

    share, root = weights / weights.sum(), np.sqrt(weights)
    towards = train @ share
    inner = train - towards[:, None] - towards + share @ towards
    across = test - (test @ share)[:, None] - towards + share @ towards
    inner *= root
    inner *= root[:, None]
    squares, vectors = eigh(inner, overwrite_a=True, check_finite=False)
    means = share @ signs
    right = vectors.T @ (root[:, None] * (signs - means))
    return Decomposed(np.maximum(squares, 0.0), right, (across * root) @ vectors, means)


def of_features(train: Floats, test: Floats, signs: Floats, weights: Floats) -> Decomposed:
    """The problem of features, `train` (n, length) and `test` (m, length); see `of_products`."""
    from scipy.linalg import eigh

    share, root = weights / weights.sum(), np.sqrt(weights)[:, None]
    centre, means = share @ train, share @ signs
    rows = (train - centre) * root
    squares, vectors = eigh(rows.T @ rows, overwrite_a=True, check_finite=False)
    right = vectors.T @ (rows.T @ (root * (signs - means)))
    return Decomposed(np.maximum(squares, 0.0), right, (test - centre) @ vectors, means)
