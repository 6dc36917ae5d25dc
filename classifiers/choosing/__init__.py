"""Which features to take: bases, layers and poolings tried on a sample of the user's images."""
