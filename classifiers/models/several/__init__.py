"""Models that give an image several labels: what they are measured by, and what they predict."""
