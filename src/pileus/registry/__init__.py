"""Datasets, models and their versions: names, numbers, lineage. The bytes are blobs.

Start at `datasets.py` and `models.py`.
"""
