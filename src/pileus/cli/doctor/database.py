"""The database: whole, of this version, and not held back from folding its log in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene
from pileus.core import settings

MIB = 1024 * 1024
LARGE_WAL_BYTES = 256 * MIB


def check(scene: Scene) -> Iterator[Finding]:
    if settings.find("server", "database_url", scene.home.path) is not None:
        yield Finding.skip("database", "It is a Postgres of your own, which the server looks after")
        return
    path = scene.home.path / "state" / "pileus.db"
    if not path.exists():
        if scene.home.exists and scene.is_up:
            yield Finding.fail("database", f"{str(path)!r} is missing", "Restore it from a backup.")
        else:
            yield Finding.skip("database", "There is none yet; `pileus up` makes it")
        return
    yield from _examined(path)


def _examined(path: Path) -> Iterator[Finding]:
    from pileus.storage.inspection import inspect  # start-up time
    from pileus.storage.migrate import revisions  # the same: SQLAlchemy

    found = inspect(path)
    size = f"{found.size_bytes / MIB:.1f} MiB"
    if found.problem is not None:
        yield Finding.fail(
            "database",
            f"{str(path)!r} is damaged: {found.problem}",
            "Stop with `pileus down` and restore the newest backup; keep the damaged file.",
        )
        return
    if found.is_complete:
        yield Finding.ok("database", f"{size}, and whole")
    else:
        yield Finding.ok("database", f"{size}; whole as far as it was read in the time given")
    known = revisions()
    if found.revision is not None and known and found.revision > known[-1]:
        yield Finding.fail(
            "database version",
            f"It is at revision {found.revision}; this Pileus knows up to {known[-1]}",
            "Start the version of Pileus that wrote it, or a newer one.",
        )
    elif known and found.revision != known[-1]:
        yield Finding.warn(
            "database version",
            f"It is at revision {found.revision}, and this Pileus writes {known[-1]}",
            "`pileus up` copies and upgrades it; restart if it is up.",
        )
    else:
        yield Finding.ok("database version", f"It is at revision {found.revision}")
    if found.wal_bytes > LARGE_WAL_BYTES:
        yield Finding.warn(
            "database log",
            f"The write-ahead log has grown to {found.wal_bytes / MIB:.0f} MiB",
            "Some other program reads the database all the time; end it, or restart Pileus.",
        )
