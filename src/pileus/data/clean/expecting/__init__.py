"""
Expectations: what must hold of a result before it may become a version.

Start at `checking.py`. Cells are checked by pandera on polars, in `cells.py`, its only user.
"""
