"""
Archives: unpacked into a scratch directory, never trusted. What is inside is opened by `detect.py`.

One file for each family of formats, and the table of them here.
"""
