"""The book's ways that train on images instead of stored features, to compare with."""
