"""Tables that every database has besides the product's: the change feed and its counter."""

from pileus.storage.table import Table, integer, text

CHANGES = Table(
    name="changes",
    noun="change",
    columns=(
        integer("seq"),
        text("project"),
        text("noun"),
        text("id"),
        integer("rev"),
    ),
    key=("seq",),
)
"""One row per change of a row that has a `rev`; this `rev` is the one that it got."""

FEED = Table(
    name="feed",
    noun="feed",
    columns=(integer("id"), integer("seq")),
    key=("id",),
)
"""Exactly one row: the highest `seq`. Who writes holds it, so entries commit in order."""

FEED_ROW = 1

TABLES = (CHANGES, FEED)
