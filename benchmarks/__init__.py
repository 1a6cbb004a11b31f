"""What Pileus promises in numbers, measured as a user would: whole processes, from outside.

Each module prints one JSON object last. Results are notes with a date and the hardware, never
tests: `docs/benchmarks.md`.
"""
