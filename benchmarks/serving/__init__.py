"""Servers of one graph beside each other: started, loaded, and their processor time read.

Start at `contenders.py`. `rounds.py` measures, `load.py` drives wrk and h2load; each file of `peers/`
is one server that somebody else would have written.
"""
