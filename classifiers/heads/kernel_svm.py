"""What scikit-learn's pipelines decide, kernel SVMs by matrix products.

LIBSVM compares each image with each support vector by itself, and reads all of them from memory
for every image.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

ROOM = 64 * 2**20
"""Bytes of the largest array made on the way."""

Numbers = npt.NDArray[np.float64]


def decision_function(pipeline: Any, features: npt.NDArray[np.floating]) -> Numbers:  # noqa: ANN401 - scikit-learn is untyped
    """What `pipeline.decision_function` gives, up to rounding.

    Args:
        pipeline: scalers, then a classifier or one for each label; trained.
        features: (n, length), not scaled yet; n is at least 1.
    """
    last = pipeline[-1]
    scaled = pipeline[:-1].transform(features) if len(pipeline) > 1 else features
    if _is_kernel_svm(last):
        return _decide(last, scaled)
    for_labels = getattr(last, "estimators_", [])
    if any(map(_is_kernel_svm, for_labels)):
        # The others know one answer: no row had, or every row had their label.
        return np.column_stack(
            [
                _decide(each, scaled) if _is_kernel_svm(each) else each.decision_function(scaled)
                for each in for_labels
            ]
        )
    return np.asarray(last.decision_function(scaled), np.float64)


def _is_kernel_svm(classifier: Any) -> bool:  # noqa: ANN401
    return getattr(classifier, "kernel", None) == "rbf"


def _decide(svm: Any, features: npt.NDArray[np.floating]) -> Numbers:  # noqa: ANN401
    """Of two classes (n,) how far on the second's side; of more (n, classes) of pairs won."""
    from sklearn.metrics.pairwise import rbf_kernel

    classes = len(svm.classes_)
    length, vectors = features.shape[1], len(svm.support_vectors_)
    rows = max(1, ROOM // (8 * max(length, vectors, classes**2)))
    decided = []
    for first in range(0, len(features), rows):
        part = features[first : first + rows].astype(np.float64)
        similar = rbf_kernel(part, svm.support_vectors_, svm._gamma)
        if classes == 2:
            decided.append(similar @ svm.dual_coef_[0] + svm.intercept_[0])
        else:
            decided.append(_votes(_pairs(svm, similar), classes))
    return np.concatenate(decided)


def _pairs(svm: Any, similar: Numbers) -> Numbers:  # noqa: ANN401
    """Of every pair of classes (rows, pairs) how far each image is on the first's side.

    A class's support vectors have a coefficient for each other class, in the classes' order.
    """
    classes = len(svm.classes_)
    against = np.zeros((len(similar), classes, classes))
    ends = np.cumsum([0, *svm.n_support_])
    for own, (first, end) in enumerate(pairwise(ends)):
        others = np.arange(classes) != own
        against[:, own, others] = similar[:, first:end] @ svm.dual_coef_[:, first:end].T
    one, other = np.triu_indices(classes, 1)
    pairs: Numbers = against[:, one, other] + against[:, other, one] + svm.intercept_
    return pairs


def _votes(pairs: Numbers, classes: int) -> Numbers:
    """Pairs that each class won (rows, classes), and less than a third for by how much.

    As `decision_function_shape="ovr"` of scikit-learn has it.
    """
    one, other = np.triu_indices(classes, 1)
    won, margins = (np.zeros((len(pairs), classes, classes)) for _ in range(2))
    won[:, one, other], won[:, other, one] = pairs >= 0, pairs < 0
    margins[:, one, other], margins[:, other, one] = pairs, -pairs
    total = margins.sum(axis=2)
    votes: Numbers = won.sum(axis=2) + total / (3 * (np.abs(total) + 1))
    return votes
