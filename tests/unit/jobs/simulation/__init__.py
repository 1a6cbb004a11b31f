"""A world for the job engine in which everything goes wrong, and nothing is left to chance.

Two servers on one database, nodes with the worker's own code, a network that loses, delays, repeats
and reorders, clocks that jump. Time stands still unless a step moves it, and a process stands still
at each of its durable writes until a step lets it go on, or kills it there. A list of steps is a
whole history: the same list gives the same world.

Start at `world.py`; what must always hold is in `invariants.py`. `python -m
tests.unit.jobs.simulation` plays histories, at random or one that a failure printed.
"""
