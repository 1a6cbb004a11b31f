"""Tables of serving."""

from pileus.storage.table import Table, integer, row_columns, text, time

ENDPOINTS = Table(
    name="endpoint",
    noun="endpoint",
    columns=(*row_columns(), text("name"), text("revision"), integer("number")),
    key=("id",),
    unique=(("project", "name"),),
)

REVISIONS = Table(
    name="revision",
    noun="revision",
    columns=(
        *row_columns(),
        text("endpoint"),
        integer("number"),
        text("model"),
        text("model_version"),
        integer("model_number"),
        text("price"),
        text("created_by"),
    ),
    key=("id",),
    unique=(("endpoint", "number"),),
    index=(("project", "model_version"),),
)

SEGMENTS = Table(
    name="record_segment",
    noun="record_segment",
    columns=(
        text("project"),
        integer("lane"),
        integer("number"),
        text("source"),
        text("digest"),
        integer("size"),
        time("created_at"),
    ),
    key=("project", "lane", "number", "source"),
)

TABLES = (ENDPOINTS, REVISIONS, SEGMENTS)
