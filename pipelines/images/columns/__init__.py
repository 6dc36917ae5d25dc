"""Images in a column of Parquet or Arrow files: which they are, and what is said of them."""
