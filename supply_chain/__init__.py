"""What is shipped in the container images, where it comes from, and under which licence."""
