"""Versions of a model at one place: in a local folder, or in a bucket."""
