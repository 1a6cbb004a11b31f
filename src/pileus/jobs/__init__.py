"""
Runs jobs: queues them, grants leases, hears how attempts end, retries them.

Knows nothing of HTTP or of what a job computes. Start at `service.py`; the state machine is in
`lifecycle.py`, the policy in `scheduler.py`, the conversation with nodes in `nodes.py`.
"""
