"""The feature table: a Delta Lake table of Parquet files, one row an image and copy."""

from pipelines.table.feature_table import FeatureTable
from pipelines.table.files import FeatureFileWriter, Receipt
from pipelines.table.schema import FEATURE_SCHEMA

__all__ = ["FEATURE_SCHEMA", "FeatureFileWriter", "FeatureTable", "Receipt"]
