"""What a run has to do: inputs held against the table and finished work, and cut into shards."""
