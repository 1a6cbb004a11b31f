"""Steps on tables: one file for each, listed in `registry.py`. `stage.py` is what they read."""
