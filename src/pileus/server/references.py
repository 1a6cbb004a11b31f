"""The one list of tables that name blobs; collection asks each of them before it removes one."""

from pileus.jobs import references as jobs
from pileus.registry import references as registry
from pileus.serving import references as serving
from pileus.storage.references import References
from pileus.tracking import references as tracking

REFERENCES: tuple[References, ...] = (
    *registry.REFERENCES,
    *tracking.REFERENCES,
    *serving.REFERENCES,
    *jobs.REFERENCES,
)
