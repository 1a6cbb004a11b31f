"""
Profile: what a dataset version holds, in figures; computed while the data is read.

A document beside the version: it never changes the version's id, and a newer profiler may write
another. Start at `build.py` and `schema.py`; `findings.py` says what a person should notice.
"""
