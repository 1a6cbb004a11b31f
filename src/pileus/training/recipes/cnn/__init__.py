"""Convolutional network: see README.md."""
