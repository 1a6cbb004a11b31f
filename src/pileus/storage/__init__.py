"""Where bytes rest: rows behind one transaction, and blobs.

Start at `transaction.py`; `database.py` is what services hold.
"""
