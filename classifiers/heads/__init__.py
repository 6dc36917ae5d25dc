"""The kinds of head."""
