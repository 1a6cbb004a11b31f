"""
What is at an address, streamed into a scratch directory; the local kinds of source read it there.

One file for each scheme; `fetching.py` chooses.
"""
