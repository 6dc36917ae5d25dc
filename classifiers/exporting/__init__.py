"""A trained model as one file that takes images and needs nothing of this project."""
