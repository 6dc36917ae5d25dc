"""ncnn, which runs plain chains of convolutions: writing a chain as its files, and running them."""

from pipelines.engines.ncnn.conversion import convert
from pipelines.engines.ncnn.engine import load

__all__ = ["convert", "load"]
