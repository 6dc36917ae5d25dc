"""The end of a run or of a part: books that balance, leakage, and finished work in the table."""
