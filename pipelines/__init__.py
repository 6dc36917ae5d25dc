"""From images to a table of features: list, decode, run the frozen base, write, commit once."""

__version__ = "0.1.0"
