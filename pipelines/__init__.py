"""From images to a table of features: listing, decoding, the frozen base, Parquet files, one commit."""

__version__ = "0.1.0"
