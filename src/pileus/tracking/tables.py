"""Tables of tracking."""

from pileus.storage.table import Column, Kind, Table, integer, text, time

STREAMS = Table(
    name="stream",
    noun="stream",
    columns=(
        text("attempt"),
        text("name"),
        text("project"),
        # As it was written; the blob lacks what is between `gap_start` and `gap_end`.
        integer("size"),
        text("digest", null=True),
        integer("gap_start", null=True),
        integer("gap_end", null=True),
        integer("gap_lines", null=True),
    ),
    key=("attempt", "name"),
)

METRICS = Table(
    name="metric",
    noun="metric",
    columns=(
        text("job"),
        text("name"),
        text("project"),
        # A number that SQL never adds up or sorts by: text keeps all digits of a float.
        Column("last", Kind.JSON),
        Column("min", Kind.JSON),
        Column("max", Kind.JSON),
        integer("step"),
        integer("count"),
        time("updated_at"),
    ),
    key=("job", "name"),
)

METRIC_MARKS = Table(
    name="metric_mark",
    noun="metric_mark",
    columns=(text("attempt"), integer("parsed")),
    key=("attempt",),
)

METRIC_SEGMENTS = Table(
    name="metric_segment",
    noun="metric_segment",
    columns=(
        text("attempt"),
        # Bytes of the attempt's stream of metrics whose points it has.
        integer("start"),
        integer("end"),
        text("project"),
        text("digest"),
        integer("size"),
    ),
    key=("attempt", "start"),
)

ARTIFACTS = Table(
    name="artifact",
    noun="artifact",
    columns=(
        text("project"),
        text("job"),
        text("attempt"),
        text("path"),
        text("digest"),
        integer("size"),
    ),
    key=("attempt", "path"),
    index=(("project", "job"),),
)

TABLES = (STREAMS, METRICS, METRIC_MARKS, METRIC_SEGMENTS, ARTIFACTS)
