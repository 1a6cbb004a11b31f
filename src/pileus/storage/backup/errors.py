"""Errors of backup and restore."""

from pileus.core.errors import Conflict, InvalidRequest, NotFound


class BackupNotFound(NotFound, code="backup_not_found"):
    """There is no backup where one was named."""


class BackupDamaged(Conflict, code="backup_damaged"):
    """A backup does not hold what was written into it."""


class BackupTooNew(Conflict, code="backup_too_new"):
    """A newer Pileus wrote the backup."""


class BackupRefused(InvalidRequest, code="backup_refused"):
    """A backup cannot be written there."""


class BackupRunning(Conflict, code="backup_running"):
    """Another backup is being written to the same place."""


class HomeNotEmpty(Conflict, code="home_not_empty"):
    """A restore never writes over what is there."""
