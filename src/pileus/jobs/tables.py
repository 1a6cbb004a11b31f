"""Tables of the job engine. Nodes and the pool belong to the installation: empty `project`."""

from pileus.storage.table import Table, boolean, integer, json, row_columns, text, time

JOBS = Table(
    name="job",
    noun="job",
    columns=(
        *row_columns(),
        text("kind"),
        text("name", null=True),
        text("status"),
        json("spec"),
        json("inputs"),
        json("params"),
        text("dataset_version", null=True),
        text("code_digest"),
        integer("priority"),
        integer("cpu_milli"),
        integer("memory_mib"),
        integer("gpu_milli"),
        text("submitted_by"),
        time("started_at", null=True),
        time("ended_at", null=True),
        integer("attempts"),
        integer("failures"),
        text("stop_requested", null=True),
        text("reason", null=True),
        text("hint", null=True),
        time("not_before", null=True),
        json("summary"),
        text("request_id", null=True),
        json("cause", null=True),
        text("reuse_key", null=True),
        text("reused", null=True),
        text("pipeline", null=True),
        text("step", null=True),
    ),
    key=("id",),
    index=(
        ("project", "status"),
        ("status", "priority"),
        ("project", "reuse_key"),
        ("project", "reused"),
        ("pipeline",),
    ),
)

JOB_NEEDS = Table(
    # An edge that is not settled: a job that waits, and one that has not ended.
    name="job_need",
    noun="job_need",
    columns=(text("project"), text("job"), text("need")),
    key=("job", "need"),
    index=(("need",),),
)

PIPELINES = Table(
    name="pipeline",
    noun="pipeline",
    columns=(
        *row_columns(),
        text("name"),
        json("spec"),
        text("submitted_by"),
        text("schedule", null=True),
        time("scheduled_at", null=True),
    ),
    key=("id",),
    index=(("project", "id"), ("schedule", "id")),
)

SCHEDULES = Table(
    name="schedule",
    noun="schedule",
    columns=(
        *row_columns(),
        text("name"),
        text("cron"),
        text("time_zone"),
        text("catch_up"),
        boolean("overlaps"),
        json("pipeline"),
        text("owner"),
        time("due_at", null=True),
        text("last_pipeline", null=True),
        json("trouble", null=True),
    ),
    key=("id",),
    unique=(("project", "name"),),
    index=(("due_at",),),
)

ATTEMPTS = Table(
    name="attempt",
    noun="attempt",
    columns=(
        *row_columns(),
        text("job"),
        integer("number"),
        text("node"),
        text("status"),
        time("started_at", null=True),
        time("ended_at", null=True),
        text("reason", null=True),
        json("exit", null=True),
        json("result", null=True),
        integer("reported_ms", null=True),
        integer("rank", default=0),
    ),
    key=("id",),
    unique=(("job", "number", "rank"),),
    index=(("node", "status"),),
    about="node",
)

LEASES = Table(
    name="lease",
    noun="lease",
    columns=(
        *row_columns(),
        text("attempt"),
        text("job"),
        text("node"),
        text("token"),
        json("resources"),
        json("devices"),
        time("expires_at"),
        time("metered_until"),
        json("price_ids"),
        time("released_at", null=True),
        integer("priority", null=True),
        text("code_digest", null=True),
        integer("timeout_ms", null=True),
        integer("micro_per_hour", null=True),
    ),
    key=("id",),
    unique=(("attempt",),),
    index=(("node", "released_at"), ("released_at",)),
)

NODES = Table(
    name="node",
    noun="node",
    columns=(
        *row_columns(),
        text("name"),
        text("boot_id"),
        json("capacity"),
        time("seen_at"),
        text("address", null=True),
    ),
    key=("id",),
    unique=(("name",),),
)

POOLS = Table(
    name="pool",
    noun="pool",
    columns=(*row_columns(), boolean("is_draining"), json("promises")),
    key=("id",),
)

QUOTAS = Table(
    name="quota",
    noun="quota",
    columns=(
        *row_columns(),
        text("cohort", null=True),
        json("limits"),
        integer("weight"),
        text("reclaim"),
        text("preempt"),
    ),
    key=("id",),
    unique=(("project",),),
)

NODE_USAGE = Table(
    # What a node last said of the attempts on it. Written every few seconds, so not in the feed.
    name="node_usage",
    noun="node_usage",
    columns=(text("node"), time("reported_at"), json("samples"), json("devices")),
    key=("node",),
)

TABLES = (
    *(JOBS, JOB_NEEDS, PIPELINES, SCHEDULES, ATTEMPTS, LEASES, NODES, POOLS, QUOTAS),
    NODE_USAGE,
)
