"""Endpoints, revisions, and the way back from a prediction to its origins: decisions, not bytes.

Start at `endpoints.py`; `lineage.py` answers where a prediction came from.
"""
