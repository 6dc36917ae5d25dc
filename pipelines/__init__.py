"""From images to a table of features: list, decode, run the frozen base, write, commit once.

"The book", here and in `classifiers`, is F. Chollet, Deep Learning with Python (2017).
"""

__version__ = "0.1.0"
