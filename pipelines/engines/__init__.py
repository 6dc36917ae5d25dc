"""What runs a frozen base."""
