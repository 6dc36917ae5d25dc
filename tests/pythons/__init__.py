"""What depends on the Python: run by .ci/test-oldest, and not collected with the other tests."""
