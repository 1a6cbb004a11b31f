"""
Where code runs: executors, the runner that leads an attempt, warm zygotes, the node's inventory.

Knows commands, directories and resources; knows no jobs, no server and no users.
Start at `executor.py`; what an attempt's own process may use is in `attempt/`.
"""
