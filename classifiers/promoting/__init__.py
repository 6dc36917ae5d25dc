"""Putting a model in the place of another, if it is good enough."""
