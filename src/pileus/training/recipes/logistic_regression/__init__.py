"""Logistic regression: see README.md."""
