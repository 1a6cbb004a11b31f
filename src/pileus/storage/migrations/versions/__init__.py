"""Revisions `NNNN_what.py`, in one line; never edited after a release."""
