"""Which settings of the heads on features do best, by cross-validation or on validation."""
