"""Heads that give an image several labels: each label is there or not, whatever the others are."""
