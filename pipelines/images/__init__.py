"""Which images there are, their bytes, their pixels and their augmented copies."""
