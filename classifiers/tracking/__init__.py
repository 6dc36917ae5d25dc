"""Models as runs of MLflow."""
