"""Runs to learn from."""
