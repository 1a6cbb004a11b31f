"""Tables of the ledger. Prices belong to the installation: their `project` is empty."""

from pileus.storage.table import Table, boolean, integer, row_columns, text, time

PRICES = Table(
    name="price",
    noun="price",
    columns=(
        *row_columns(),
        text("resource"),
        text("unit"),
        integer("micro"),
        integer("exponent"),
        boolean("is_current"),
    ),
    key=("id",),
    index=(("resource", "is_current"),),
)

LEDGER = Table(
    name="ledger_entry",
    noun="ledger_entry",
    columns=(
        *row_columns(),
        text("resource"),
        integer("quantity"),
        text("price"),
        integer("amount_micro"),
        text("subject"),
        text("source"),
        integer("sequence"),
        time("started_at"),
        time("ended_at"),
    ),
    key=("id",),
    unique=(("source", "sequence", "resource", "subject", "price"),),
    index=(("project", "ended_at"), ("project", "subject")),
)

CARRIES = Table(
    name="carry",
    noun="carry",
    columns=(*row_columns(), text("price"), integer("remainder")),
    key=("id",),
    unique=(("project", "price"),),
)

SOURCES = Table(
    name="meter_source",
    noun="meter_source",
    columns=(*row_columns(), integer("sequence")),
    key=("id",),
)

COUNTERS = Table(
    name="meter_counter",
    noun="meter_counter",
    columns=(
        text("source"),
        integer("slot"),
        text("project"),
        text("token"),
        text("revision"),
        text("price_id"),
        integer("requests"),
        integer("predictions"),
        integer("bytes_in"),
        integer("bytes_out"),
        integer("errors"),
    ),
    key=("source", "slot", "project", "token", "revision", "price_id"),
)

BLOBS = Table(
    name="blob",
    noun="blob",
    columns=(
        text("project"),
        text("digest"),
        integer("size"),
        time("created_at"),
        time("announced_at"),
        time("freed_at", null=True),
    ),
    key=("project", "digest"),
)

STORAGE_METERS = Table(
    name="storage_meter",
    noun="storage_meter",
    columns=(*row_columns(), time("metered_until"), integer("bytes"), integer("remainder")),
    key=("id",),
    unique=(("project",),),
)

TABLES = (PRICES, LEDGER, CARRIES, SOURCES, COUNTERS, BLOBS, STORAGE_METERS)
