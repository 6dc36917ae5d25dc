"""From a table of features to trained heads: loading, training, evaluating, predicting."""

from classifiers.dataset import Samples, load

__all__ = ["Samples", "load"]
