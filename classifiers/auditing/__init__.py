"""What is wrong in a table: the same image twice, wrong labels, outliers, poor pictures."""
