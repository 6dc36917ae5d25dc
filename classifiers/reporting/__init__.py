"""One HTML page of a table and its models: counts, a map, pictures, measures, records."""
