"""The model folder: a head, its card, its measures, its pictures, and predicting with it."""
