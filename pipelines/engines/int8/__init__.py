"""Bases in eight-bit integers: `quantising` makes one, `fetching` brings it to a worker."""
