"""The files that an attempt of a transform leaves, by their paths below `out/`."""

VERSION = "version"
MANIFEST = f"{VERSION}/manifest.json"

PROFILE = "profile.json"
"""The profile of the version."""

REPORT = "report.json"
"""For each step: rows in and out, cells changed, what it was fitted to."""

FAILING = "failing.csv"
"""The rows for which an expectation does not hold."""
