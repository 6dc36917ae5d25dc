"""What the tests of functions share with those of the commands."""

from tests.classifiers.conftest import logistic

__all__ = ["logistic"]
