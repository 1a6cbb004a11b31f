"""
Computes answers from tensors: bundles, runtimes, batching, validation against the signature.

Knows nothing of HTTP, tokens, endpoints or money. Shared by gateway lanes, replicas and devices.
Start at `dataplane.py`.
"""
