"""The feature table: a Delta Lake table of Parquet files, one row an image and copy."""
