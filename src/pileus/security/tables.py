"""Tables of access control."""

from pileus.storage.table import Table, boolean, integer, json, row_columns, text, time

PROJECTS = Table(
    name="project",
    noun="project",
    columns=(*row_columns(), text("name")),
    key=("id",),
    unique=(("name",),),
)

PRINCIPALS = Table(
    name="principal",
    noun="principal",
    columns=(
        *row_columns(),
        text("name"),
        text("kind"),
        text("role"),
        boolean("is_operator"),
        boolean("disabled"),
    ),
    key=("id",),
    unique=(("project", "name"),),
)

TOKENS = Table(
    name="token",
    noun="token",
    columns=(
        *row_columns(),
        text("principal"),
        text("name"),
        text("hash"),
        time("expires_at", null=True),
        time("revoked_at", null=True),
    ),
    key=("id",),
    unique=(("hash",),),
    index=(("project", "principal"),),
)

AUDIT = Table(
    name="audit_event",
    noun="audit_event",
    columns=(
        *row_columns(),
        integer("seq"),
        text("principal"),
        text("action"),
        text("noun"),
        text("subject"),
        json("detail"),
        text("previous_hash"),
        text("hash"),
    ),
    key=("project", "seq"),
    unique=(("id",),),
)

PROJECT_KEYS = Table(
    name="project_key",
    noun="project_key",
    columns=(
        *row_columns(),
        text("purpose"),
        text("wrapped", null=True),
        text("master"),
        time("retired_at", null=True),
        time("shredded_at", null=True),
    ),
    key=("id",),
    index=(("project",),),
)

BLOB_REWRITES = Table(
    name="blob_rewrite",
    noun="blob_rewrite",
    columns=(
        *row_columns(),
        time("requested_at"),
        time("finished_at", null=True),
        integer("done"),
        integer("failed"),
    ),
    key=("id",),
    unique=(("project",),),
)

TOMBSTONES = Table(
    name="tombstone",
    noun="tombstone",
    columns=(
        *row_columns(),
        text("noun"),
        text("subject"),
        text("name"),
        text("container", null=True),
        text("parent", null=True),
        json("digests"),
        text("deleted_by"),
        text("deleted_by_name"),
        time("kept_until"),
        time("collected_at", null=True),
        json("lineage"),
    ),
    key=("id",),
    index=(("subject",), ("parent",), ("project", "collected_at"), ("collected_at", "kept_until")),
)

KEPT_ROWS = Table(
    name="kept_row",
    noun="kept_row",
    columns=(
        text("tombstone"),
        integer("number"),
        text("project"),
        text("table_name"),
        json("record"),
    ),
    key=("tombstone", "number"),
    index=(("project",),),
)
"""Deleted rows as they were, until their grace is over."""

SECRETS = Table(
    name="secret",
    noun="secret",
    columns=(
        *row_columns(),
        text("name"),
        integer("version"),
        time("updated_at"),
        text("set_by"),
        text("key"),
        text("sealed"),
    ),
    key=("id",),
    unique=(("project", "name"),),
)

TABLES = (
    PROJECTS,
    PRINCIPALS,
    TOKENS,
    AUDIT,
    PROJECT_KEYS,
    BLOB_REWRITES,
    TOMBSTONES,
    KEPT_ROWS,
    SECRETS,
)
