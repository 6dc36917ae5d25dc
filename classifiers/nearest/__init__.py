"""Images of a table that are nearest to others."""
