"""A discrete-event simulator of a cluster, with a virtual clock.

`philly.py` reads a trace · `space.py` what a pool of equal nodes has free · `orders.py` the orders that
are compared · `ranks.py` what they rank by · `turns.py` who runs next, by rank and by stopping others ·
`easy.py` the same by backfill · `simulator.py` the clock. Of the scheduler's policy the predictions are
used here and nothing else: it stops nobody for a rank, and places a job on one node, where jobs of a
trace span several.
"""
