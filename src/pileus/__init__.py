"""Pileus: the AI cloud you own. From raw data to a billed prediction, with one install."""

__version__ = "0.1.0"
