"""The scheduler's own decision in simulation: jobs of a trace through `decide`, on a virtual clock.

Start at `simulator.py`. What it is fed is a `Workload` (`workload.py`), made by one adapter a file in
`traces/`. There is no database, no worker and no process: what those do is a few times that are given.
"""
