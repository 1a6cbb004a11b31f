"""
Cleaning: carries a typed transform out on a dataset version, within an attempt.

Start at `main.py`. `tables/` and `images/` have one file for each step and a `registry.py` that
lists them; a step reads one stage and says what the next one holds. `result.py` writes the version.
"""
