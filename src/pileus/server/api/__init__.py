"""The HTTP API, /api/v1: one thin file per noun, no decisions of its own."""
