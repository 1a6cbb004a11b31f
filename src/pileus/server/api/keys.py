"""Encryption at rest: the keys of a project, and the master key of the installation."""

from __future__ import annotations

from datetime import datetime

from pileus.core.schemas.base import Schema
from pileus.core.schemas.keys import ProjectKey
from pileus.security.keys import Held
from pileus.server.api import routing
from pileus.server.api.access import Admin, Operator, Use, Viewer
from pileus.server.api.creating import Creating
from pileus.storage.blobs.rewriting import PLAIN

router = routing.router("keys")


class Encryption(Schema):
    """Whether blobs are encrypted, and by what."""

    is_on: bool
    cipher: str
    master_key: str | None
    """Its id, which tells nothing about the key."""


class KeyShown(Schema):
    """A key of a project without the key."""

    id: str
    purpose: str
    state: str
    """`current`, `old` (read with, not written with), `retired` (no blob needs it), `shredded`."""

    blobs: int
    master_key: str
    created_at: datetime
    retired_at: datetime | None
    shredded_at: datetime | None


class RewriteShown(Schema):
    """Blobs being taken over to the current key."""

    state: str
    """`running` or `finished`."""

    total: int
    done: int
    failed: int
    requested_at: datetime
    finished_at: datetime | None


class KeysShown(Schema):
    """Keys of a project."""

    keys: list[KeyShown]
    plain_blobs: int
    """Blobs from before encryption was on."""

    rewrite: RewriteShown | None


class Rotation(Schema):
    """What a rotation does beside a new key."""

    rewrite: bool = False
    """Encrypt old blobs with it, too."""


class Confirmation(Schema):
    """The name of what is destroyed."""

    confirm: str


class MasterShown(Schema):
    """A rotation of the master key."""

    before: str
    after: str
    keys: int
    kept_at: str | None
    """Where the old one is; copies of the database from before need it."""


class ShreddedShown(Schema):
    """What was destroyed, and what may remain."""

    keys: int
    blobs: int
    remains: list[str]


REMAINS = [
    "backups that were made before: they hold the wrapped keys, and the master key opens those",
    "copies of inputs and bundles in the caches of workers and gateways (worker/, gateway/)",
    "names, labels, metrics, the bill and the audit trail, which are rows of the database",
]


@router.get("/encryption")
async def show_encryption(caller: Viewer, services: Use) -> Encryption:
    """Whether new blobs are encrypted."""
    del caller
    keys = services.keys
    return Encryption(is_on=keys.encrypts, cipher="AES-256-GCM", master_key=keys.master)


@router.get("/projects/{project}/keys")
async def list_keys(caller: Admin, services: Use) -> KeysShown:
    """Keys of the project, how many blobs rest under each, and the rewriting of them."""
    held = await services.keys.held(caller.project)
    return KeysShown(
        keys=[_shown(row, held) for row in held.keys],
        plain_blobs=held.census.get(PLAIN, 0),
        rewrite=_rewrite(held),
    )


@router.post("/projects/{project}/keys/rotate", status_code=201)
async def rotate_key(body: Rotation, caller: Admin, services: Use, once: Creating) -> KeyShown:
    """A new key for what is written from now on."""
    row = await services.keys.rotate(caller, once, rewrite=body.rewrite)
    return _shown(row, await services.keys.held(caller.project))


@router.post("/projects/{project}/keys/rewrite")
async def rewrite_blobs(caller: Admin, services: Use) -> KeysShown:
    """Take every blob over to the current key, in the background."""
    await services.keys.rewrite(caller)
    return await list_keys(caller, services)


@router.post("/projects/{project}/keys/shred")
async def shred_project(body: Confirmation, caller: Admin, services: Use) -> ShreddedShown:
    """Destroy the project's keys and blobs. It cannot be undone."""
    shredded = await services.keys.shred(caller, body.confirm, services.storage.forget_all)
    return ShreddedShown(keys=shredded.keys, blobs=shredded.blobs, remains=REMAINS)


@router.post("/keys/master/rotate")
async def rotate_master_key(caller: Operator, services: Use) -> MasterShown:
    """Wrap the keys of all projects with a new master key."""
    rotated = await services.keys.rotate_master(caller)
    return MasterShown(
        before=rotated.before, after=rotated.after, keys=rotated.keys, kept_at=rotated.kept_at
    )


def _shown(row: ProjectKey, held: Held) -> KeyShown:
    if row.shredded_at is not None:
        state = "shredded"
    elif row.retired_at is not None:
        state = "retired"
    else:
        state = "old" if row.purpose == "data" and row.id != held.current else "current"
    return KeyShown(
        id=row.id,
        purpose=row.purpose.value,
        state=state,
        blobs=held.census.get(row.id, 0),
        master_key=row.master,
        created_at=row.created_at,
        retired_at=row.retired_at,
        shredded_at=row.shredded_at,
    )


def _rewrite(held: Held) -> RewriteShown | None:
    row, progress = held.rewrite, held.progress
    if row is None:
        return None
    done, failed = (row.done, row.failed) if progress is None else (progress.done, progress.failed)
    return RewriteShown(
        state="running" if row.finished_at is None else "finished",
        total=done + failed if progress is None else progress.total,
        done=done,
        failed=failed,
        requested_at=row.requested_at,
        finished_at=row.finished_at,
    )
