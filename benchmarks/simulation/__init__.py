"""A discrete-event simulator of a cluster, with a virtual clock, around the scheduler's own policy.

`philly.py` reads a trace · `space.py` what a pool of equal nodes has free · `orders.py` the orders that
are compared · `simulator.py` the clock. Who runs next, the ranks and the predictions are those of
`pileus.jobs.policy`. Placement is not: the scheduler's places a job on one node, and jobs of a trace
span several.
"""
