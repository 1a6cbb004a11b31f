"""Encryption at rest: the master key is at hand and opens every project's keys. No key is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pileus.cli.database_choice import database_of
from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene
from pileus.core import settings
from pileus.core.errors import PileusError

if TYPE_CHECKING:
    from pileus.security.examining import Wrapped
    from pileus.security.master_key import MasterKeySource, OtherKey
    from pileus.security.wrapping import MasterKey

NAME = "encryption"
_NAMED = 5
_RESTORE = "Restore the database from a backup: `pileus backup list DIRECTORY`."


def check(scene: Scene) -> Iterator[Finding]:
    if not scene.home.exists:
        yield Finding.skip(NAME, "No installation has been made yet")
        return
    from pileus.security.examining import read_wrapped  # start-up time: SQLAlchemy
    from pileus.security.master_key import source_of  # the same: cryptography
    from pileus.security.settings import SecuritySettings  # the same

    home = scene.home.path
    try:
        security = settings.load(SecuritySettings, "security", home=home)
        source = source_of(security, home)
    except PileusError as error:
        yield _failed(error)
        return
    try:
        wrapped = read_wrapped(database_of(home))
    except PileusError as error:
        yield Finding.skip(NAME, f"The keys of projects cannot be read: {error.message}")
        return
    if not wrapped.keys and not security.encrypt_blobs:
        yield Finding.skip(NAME, "Blobs are not encrypted: encrypt_blobs of [security] is off")
        return
    yield from _keys(scene, source, wrapped)
    yield from _rewriting(scene, wrapped)


def _keys(scene: Scene, source: MasterKeySource, wrapped: Wrapped) -> Iterator[Finding]:
    try:
        found, others = source.load(), source.others()
    except PileusError as error:
        yield _failed(error)
        return
    if not wrapped.keys:
        yield (
            Finding.skip(NAME, f"There is no master key in {source.where} yet; a start makes it")
            if found is None
            else Finding.ok(NAME, f"Master key {found.id!r} of {source.where}; no key needs it yet")
        )
        return
    if found is not None and {found.id} == wrapped.masters:
        yield _opened(wrapped, found, source.where)
        yield from _left(scene, others)
        return
    if len(wrapped.masters) > 1:
        names = ", ".join(map(repr, sorted(wrapped.masters)))
        yield Finding.fail(
            NAME, f"Keys of projects are wrapped with more than one master key: {names}", _RESTORE
        )
        return
    [expected] = wrapped.masters
    for other in others:
        if other.key.id == expected:
            yield _unfinished(scene, other.where, expected)
            yield _opened(wrapped, other.key, other.where)
            return
    yield _lost(scene, source.where, found, expected)


def _opened(wrapped: Wrapped, master: MasterKey, where: str) -> Finding:
    from pileus.security.examining import unopened  # start-up time

    closed = [row.id for row in unopened(wrapped.keys, [master])]
    if closed:
        more = f" and {len(closed) - _NAMED:,} more" if len(closed) > _NAMED else ""
        return Finding.fail(
            NAME,
            f"Master key {master.id!r} does not open {', '.join(map(repr, closed[:_NAMED]))}{more}:"
            " their rows were altered",
            f"{_RESTORE} Blobs under these keys cannot be read until then.",
        )
    projects = len({row.project for row in wrapped.keys})
    return Finding.ok(
        NAME,
        f"Master key {master.id!r} of {where} opens all {len(wrapped.keys):,} keys of"
        f" {projects:,} {'project' if projects == 1 else 'projects'}",
    )


def _left(scene: Scene, others: Sequence[OtherKey]) -> Iterator[Finding]:
    # Keys that earlier rotations kept are meant to lie there; one that was prepared is not.
    for other in others:
        if other.is_prepared:
            begin = "" if scene.is_up else "`pileus up` takes it back. "
            yield Finding.warn(
                NAME,
                "A rotation of the master key was begun and not finished:"
                f" the key in {other.where} is not in use",
                f"{begin}Rotate again with `pileus key rotate --master`.",
            )


def _unfinished(scene: Scene, where: str, expected: str) -> Finding:
    begin = "Restart Pileus" if scene.is_up else "Start Pileus with `pileus up`"
    return Finding.warn(
        NAME,
        f"A rotation of the master key is not finished, or the database is older than it: rows"
        f" name {expected!r}, which is in {where}",
        f"{begin}: it puts that key in its place.",
    )


def _lost(scene: Scene, where: str, found: MasterKey | None, expected: str) -> Finding:
    answer = scene.try_ask("server", "/api/v1/encryption")
    said = (
        f"Master key {expected!r}, with which project keys are wrapped, is not in {where}"
        if found is None
        else f"{where} gives master key {found.id!r}; project keys are wrapped with {expected!r}"
    )
    put_back = (
        "Put that key back from a backup, or name it in master_key_file or master_key_command of"
        " [security]"
    )
    if answer is not None and answer.document.get("master_key") == expected:
        return Finding.fail(
            NAME,
            f"{said}; the server still knows it and would not start again",
            f"{put_back}; or, before the server stops, run `pileus key rotate --master`.",
        )
    return Finding.fail(NAME, said, f"{put_back}; the server does not start without it.")


def _rewriting(scene: Scene, wrapped: Wrapped) -> Iterator[Finding]:
    for rewrite in wrapped.rewrites:
        if rewrite.finished_at is None:
            said = f"Blobs of project {rewrite.project!r} are not all under its current key yet"
            if scene.is_up:
                yield Finding.ok(NAME, f"{said}; the server is at it")
            else:
                yield Finding.warn(NAME, said, "`pileus up` goes on with it.")
        elif rewrite.failed:
            yield Finding.warn(
                NAME,
                f"{rewrite.failed:,} blobs of project {rewrite.project!r} are damaged and stay"
                " under an old key",
                "`pileus logs server --level error` names them. Put them back from a backup, then"
                " run `pileus key encrypt`.",
            )


def _failed(error: PileusError) -> Finding:
    return Finding.fail(NAME, error.message, error.hint or "Correct what it says, and look again.")
