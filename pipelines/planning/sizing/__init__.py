"""What an extraction will take: measured on some of its images, then formulas."""
