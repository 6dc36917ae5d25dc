"""A map of images: features that are alike lie side by side."""

import numpy as np
import numpy.typing as npt

COMPONENTS = 50
"""Principal components that t-SNE gets, as its authors have it."""

PERPLEXITY = 30.0
FEWEST = 8
"""Images below which t-SNE has nothing to tell; their two principal components are the map."""

Places = npt.NDArray[np.float64]


def mapped(features: npt.NDArray[np.float32], seed: int) -> Places:
    """Lay images out by their features: PCA, then t-SNE.

    Args:
        features: float32 (n, length), finite, n at least 1.
        seed: of both.

    Returns:
        float64 (n, 2), between 0 and 1. Images whose features are all equal lie in a spiral.
    """
    count = len(features)
    scale = float(np.abs(features).max())
    # By columns that differ at all; others would only cost time, and huge ones overflow.
    varied = features[:, features.max(axis=0) > features.min(axis=0)] / np.float32(scale or 1.0)
    if varied.shape[1] == 0:
        return _spiral(count)
    components = _principal(varied, min(COMPONENTS, count - 1, varied.shape[1]), seed)
    if components.shape[1] < 2:
        components = np.column_stack([components, np.zeros(count)])
    if count < FEWEST:
        return _in_unit_square(components[:, :2])
    return _in_unit_square(_t_sne(components, seed))


def _principal(features: npt.NDArray[np.float32], most: int, seed: int) -> Places:
    from sklearn.decomposition import PCA

    found: Places = PCA(most, svd_solver="auto", random_state=seed).fit_transform(features)
    return found.astype(np.float64)


def _t_sne(components: Places, seed: int) -> Places:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if not np.ptp(components, axis=0)[0] > 0:
        return _spiral(len(components))
    perplexity = min(PERPLEXITY, (len(components) - 1) / 3)
    # Its threads wait for each other by spinning: on a busy machine they take eight times as long.
    with threadpool_limits(1):
        found: Places = TSNE(
            2, perplexity=perplexity, init="pca", random_state=seed, n_jobs=1
        ).fit_transform(components)
    return found if np.isfinite(found).all() else components[:, :2]


def _spiral(count: int) -> Places:
    """Places of images that nothing tells apart, none on another."""
    number = np.arange(count)
    angle, radius = number * np.pi * (3 - np.sqrt(5)), np.sqrt(number)
    return _in_unit_square(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))


def _in_unit_square(places: Places) -> Places:
    least, greatest = places.min(axis=0), places.max(axis=0)
    span = float((greatest - least).max())
    if not span > 0:
        return np.full(places.shape, 0.5)
    moved: Places = (places - (greatest + least) / 2) / span + 0.5
    return moved
