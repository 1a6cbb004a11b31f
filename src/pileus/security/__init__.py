"""Who asks and what they may do: projects, principals, roles, tokens, the audit chain.

Knows nothing of HTTP. Start at `service.py`.
"""
