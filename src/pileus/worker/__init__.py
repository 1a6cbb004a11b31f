"""
The process on a node that owns runners and zygotes.

Keeps what runs here as the server orders it, ships logs, metrics and results, materialises inputs.
Attempts outlive it: a new worker adopts the runners that the old one left.
Start at `wiring.py`; one attempt's life is in `held.py`.
"""
