"""Every table of the database, in one list: what migrations and the memory database are built from."""

from pileus.jobs import tables as jobs
from pileus.metering import tables as metering
from pileus.registry import tables as registry
from pileus.security import tables as security
from pileus.serving import tables as serving
from pileus.storage.idempotency import IDEMPOTENCY
from pileus.storage.table import Table
from pileus.tracking import tables as tracking

TABLES: tuple[Table, ...] = (
    IDEMPOTENCY,
    *security.TABLES,
    *metering.TABLES,
    *tracking.TABLES,
    *registry.TABLES,
    *jobs.TABLES,
    *serving.TABLES,
)
