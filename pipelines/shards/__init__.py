"""One shard's work, and handing shards to Beam: the only package that imports Beam."""
