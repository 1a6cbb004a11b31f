"""Errors of rows and blobs."""

from pileus.core.errors import Conflict, InvalidRequest, LimitExceeded, NotFound, Unavailable


class Stale(Conflict, code="stale"):
    """Another writer changed the row first. Load it again and decide again."""


class Duplicate(Conflict, code="duplicate"):
    """A row with this key exists already."""


class BlobNotFound(NotFound, code="blob_not_found"):
    """No blob of that digest in the project."""


class StagedFileNotFound(NotFound, code="staged_file_not_found"):
    """The server finds no such file among those that clients on its machine left for it."""


class BlobMismatch(InvalidRequest, code="blob_mismatch"):
    """The bytes do not have the digest that was announced."""


class BlobDamaged(Conflict, code="blob_damaged"):
    """The stored bytes are not what was written: altered, cut, or moved from another place."""


class BlobsHeld(Unavailable, code="blobs_held"):
    """A backup is being taken; until it ends, blobs stay as they are."""


class KeyUnknown(Conflict, code="key_unknown"):
    """A blob names a key that the project does not have."""


class ProjectShredded(Conflict, code="project_shredded"):
    """The keys of the project were destroyed, and with them what its blobs said."""


class StorageFull(LimitExceeded, code="storage_full"):
    """The disk has no room; nothing was written."""


class DatabaseUnavailable(Unavailable, code="database_unavailable"):
    """The database does not answer."""


class HomeTooNew(Conflict, code="home_too_new"):
    """A newer Pileus wrote this state; this one refuses to touch it."""


class NetworkFileSystem(InvalidRequest, code="network_file_system"):
    """SQLite was asked for on a network file system, where it loses data."""


class DatabaseForeign(Conflict, code="database_foreign"):
    """The database holds tables of these names that Pileus did not make."""
