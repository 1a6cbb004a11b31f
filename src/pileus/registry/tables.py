"""Tables of the registry."""

from pileus.storage.table import Table, integer, json, row_columns, text, time

DATASETS = Table(
    name="dataset",
    noun="dataset",
    columns=(*row_columns(), text("name"), integer("versions"), text("newest", null=True)),
    key=("id",),
    unique=(("project", "name"),),
)

DATASET_VERSIONS = Table(
    name="dataset_version",
    noun="dataset_version",
    columns=(
        *row_columns(),
        text("dataset"),
        integer("number"),
        text("manifest"),
        integer("manifest_bytes"),
        text("kind"),
        text("task"),
        integer("rows_train"),
        integer("rows_untouched"),
        integer("size_bytes"),
        text("source"),
        text("created_by"),
        json("info"),
        json("packs"),
        text("job", null=True),
    ),
    key=("project", "dataset", "id"),
    unique=(("project", "dataset", "number"),),
    index=(("project", "id"),),
)

DATASET_PROFILES = Table(
    name="dataset_profile",
    noun="dataset_profile",
    columns=(
        *row_columns(),
        text("version"),
        integer("number"),
        integer("schema_number"),
        integer("profiler"),
        text("digest"),
        integer("size_bytes"),
        text("created_by"),
    ),
    key=("id",),
    unique=(("project", "version", "number"), ("project", "version", "digest")),
)

MODELS = Table(
    name="model",
    noun="model",
    columns=(*row_columns(), text("name"), integer("versions")),
    key=("id",),
    unique=(("project", "name"),),
)

MODEL_VERSIONS = Table(
    name="model_version",
    noun="model_version",
    columns=(
        *row_columns(),
        text("model"),
        integer("number"),
        text("job"),
        text("attempt"),
        text("dataset_version", null=True),
        text("code_digest"),
        json("bundle"),
        json("signature"),
        json("evaluation"),
        json("parity"),
        text("created_by"),
    ),
    key=("id",),
    unique=(("project", "model", "number"), ("project", "model", "job")),
    index=(("project", "job"),),
)

CODE_SNAPSHOTS = Table(
    name="code_snapshot",
    noun="code_snapshot",
    columns=(
        *row_columns(),
        text("manifest"),
        integer("manifest_bytes"),
        text("pack"),
        integer("pack_bytes"),
        integer("files"),
        text("diff_digest", null=True),
        json("provenance"),
        text("created_by"),
        time("used_at"),
    ),
    key=("project", "id"),
    index=(("used_at",),),
)

TABLES = (DATASETS, DATASET_VERSIONS, DATASET_PROFILES, MODELS, MODEL_VERSIONS, CODE_SNAPSHOTS)
