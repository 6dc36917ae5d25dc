"""Whether images of two sets come from one distribution, by their features."""
