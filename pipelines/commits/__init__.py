"""The end of a run or of a part: books that balance, leakage, finished work that enters the table."""
