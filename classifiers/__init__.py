"""From a table of features to trained heads: loading, training, evaluating, predicting."""

from classifiers.data.dataset import Samples, load

__all__ = ["Samples", "load"]
