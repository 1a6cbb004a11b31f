"""The files that an attempt of a transform leaves, by their paths below `out/`."""

VERSION = "version"
MANIFEST = f"{VERSION}/manifest.json"

REPORT = "report.json"
"""For each step: rows in and out, cells changed, what it was fitted to."""

FAILING = "failing.csv"
"""The rows for which an expectation does not hold."""
