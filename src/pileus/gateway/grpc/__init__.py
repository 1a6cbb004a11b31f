"""
The Open Inference Protocol v2 over gRPC: `inference.GRPCInferenceService`.

The same endpoints, roles, limits, meters and records as over HTTP. Start at `table.py`.
"""
