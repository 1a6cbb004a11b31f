"""A discrete-event simulator of a cluster, with a virtual clock.

`philly.py` reads a trace · `space.py` what a pool of equal nodes has free · `orders.py` the orders that
are compared · `turns.py` who runs next, by rank and by stopping others · `easy.py` the same by backfill ·
`simulator.py` the clock. Of the scheduler's policy the ranks are used here, `jobs/policy/ordering.py`, with
what puts an end to waiting, and nothing else: it stops nobody for a rank, and places a job on one node, where
jobs of a trace span several.
"""
