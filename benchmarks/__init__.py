"""The same work by this project and by what a user would write instead, side by side."""
