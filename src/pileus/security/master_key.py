"""Where the master key comes from: a file, or a command of a key management.

A master key that rows name is never made anew and never overwritten: what was encrypted under it
would be lost.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pileus.core.failpoints import failpoint
from pileus.core.syncing import sync_directory
from pileus.security.errors import (
    MasterKeyLost,
    MasterKeyRefused,
    MasterKeyUnavailable,
    MasterKeyWrong,
)
from pileus.security.settings import SecuritySettings
from pileus.security.tokens import load_or_create_secret, replace_secret
from pileus.security.wrapping import MasterKey

_OTHERS = stat.S_IRWXO
_HINT = (
    "Put that key back from a backup, or name it in master_key_file or master_key_command of"
    " [security]. Nothing was changed."
)


@dataclass(frozen=True)
class OtherKey:
    """A master key that lies beside the one in use."""

    where: str
    key: MasterKey
    is_prepared: bool
    """By a rotation that was not finished; others were kept for older copies of the database."""


class MasterKeySource(Protocol):
    """Where the master key is kept."""

    @property
    def where(self) -> str:
        """For messages."""
        ...

    def load(self) -> MasterKey | None:
        """The key; None when there is none. Raises MasterKeyRefused, MasterKeyUnavailable."""
        ...

    def create(self) -> MasterKey:
        """A key for an installation that has never had one. Raises MasterKeyUnavailable."""
        ...

    def settle(self, expected: str) -> None:
        """Finish or take back a rotation that was killed; rows name the key `expected`."""
        ...

    def prepare(self, current: MasterKey) -> MasterKey:
        """The key that follows `current`, kept beside it for now."""
        ...

    def adopt(self, current: MasterKey) -> str | None:
        """What was prepared is the key from now on; where `current` is kept, if it is."""
        ...

    def others(self) -> list[OtherKey]:
        """Keys that rotations prepared or kept; what is not a key is left out."""
        ...


class FileMasterKey:
    """64 hexadecimal digits in a file that nobody else can read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = path.with_name(f"{path.name}.next")

    @property
    def where(self) -> str:
        return repr(str(self._path))

    def load(self) -> MasterKey | None:
        return self._load(self._path)

    def create(self) -> MasterKey:
        try:
            load_or_create_secret(self._path, MasterKey.fresh().secret.hex())
            # Rows will name this key: it must not vanish with a loss of power that they survive.
            sync_directory(self._path.parent)
        except OSError as error:
            raise self._unwritable(error) from error
        made = self.load()
        if made is None:
            raise MasterKeyUnavailable(f"{self.where} vanished while it was read")
        return made

    def settle(self, expected: str) -> None:
        current = self.load()
        if current is not None and current.id == expected:
            self._next.unlink(missing_ok=True)
            return
        # A rotation was killed after its commit, or the rows are older than the rotation.
        for path in (self._next, self._kept(expected)):
            found = self._load(path)
            if found is not None and found.id == expected:
                self._replace(current, path)
                return

    def prepare(self, current: MasterKey) -> MasterKey:
        del current
        fresh = MasterKey.fresh()
        try:
            replace_secret(self._next, fresh.secret.hex())
            sync_directory(self._path.parent)
        except OSError as error:
            raise self._unwritable(error) from error
        return fresh

    def adopt(self, current: MasterKey) -> str | None:
        return self._replace(current, self._next)

    def others(self) -> list[OtherKey]:
        found: list[OtherKey] = []
        for path in sorted(self._path.parent.glob(f"{self._path.name}.*")):
            with suppress(MasterKeyRefused, MasterKeyUnavailable):
                if key := self._load(path):
                    found.append(OtherKey(repr(str(path)), key, is_prepared=path == self._next))
        return found

    def _replace(self, current: MasterKey | None, path: Path) -> str | None:
        """What is in `path` is the key now; where `current` is kept."""
        kept = None
        try:
            if current is not None:
                kept = self._kept(current.id)
                # Copies of the database from before can be read with this one only.
                replace_secret(kept, current.secret.hex())
                failpoint("master_key.kept")
            path.replace(self._path)
            sync_directory(self._path.parent)
        except OSError as error:
            raise self._unwritable(error) from error
        return None if kept is None else str(kept)

    def _kept(self, key_id: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{key_id}")

    def _load(self, path: Path) -> MasterKey | None:
        try:
            with path.open(encoding="utf-8") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read(1024)
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise MasterKeyUnavailable(
                f"{str(path)!r} cannot be read: {error}", hint="Correct its owner and permissions."
            ) from error
        if mode & _OTHERS:
            raise MasterKeyRefused(
                f"Master key {str(path)!r} can be read by every user of this machine",
                hint=f"Run `chmod 600 {shlex.quote(str(path))}`, and rotate it if it may be known.",
            )
        return MasterKey.parse(text, repr(str(path)))

    def _unwritable(self, error: OSError) -> MasterKeyUnavailable:
        return MasterKeyUnavailable(
            f"Master key {self.where} cannot be written: {error.strerror}",
            hint="Make its directory writable, or keep the key in a key management"
            " (master_key_command).",
        )


class CommandMasterKey:
    """What a command prints. Making and keeping the key is the business of what it asks."""

    def __init__(self, command: str, seconds: float) -> None:
        self._words = shlex.split(command)
        self._seconds = seconds

    @property
    def where(self) -> str:
        return f"master_key_command {self._words[0]!r}"

    def load(self) -> MasterKey | None:
        try:
            ended = subprocess.run(
                self._words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._failed(str(error)) from error
        if ended.returncode != 0:
            said = ended.stderr.decode(errors="replace").strip().splitlines()
            raise self._failed(
                f"exit code {ended.returncode}: {said[-1] if said else 'no message'}"
            )
        return MasterKey.parse(ended.stdout.decode("ascii", errors="replace"), self.where)

    def create(self) -> MasterKey:
        found = self.load()
        if found is None:
            raise self._failed("it prints no key")
        return found

    def settle(self, expected: str) -> None:
        del expected

    def prepare(self, current: MasterKey) -> MasterKey:
        following = self.create()
        if following.id == current.id:
            raise MasterKeyRefused(
                f"{self.where} still prints master key {current.id!r}",
                hint="Make it print the new key first; this server still knows the old one.",
            )
        return following

    def adopt(self, current: MasterKey) -> str | None:
        del current
        return None

    def others(self) -> list[OtherKey]:
        return []

    def _failed(self, why: str) -> MasterKeyUnavailable:
        return MasterKeyUnavailable(
            f"{self.where} gave no master key: {why}",
            hint="Run it by hand, as the user who runs Pileus.",
        )


def source_of(settings: SecuritySettings, home: Path) -> MasterKeySource:
    """Where settings say that the master key is; in the home if they say nothing."""
    if settings.master_key_command is not None:
        return CommandMasterKey(settings.master_key_command, settings.master_key_command_seconds)
    return FileMasterKey(settings.master_key_file or home / "keys" / "master.key")


def unlock(source: MasterKeySource, expected: AbstractSet[str], *, makes: bool) -> MasterKey | None:
    """The master key that rows name; with `makes`, a new one where none names any.

    Raises MasterKeyLost, MasterKeyWrong, MasterKeyRefused, MasterKeyUnavailable.
    """
    if not expected:
        return source.create() if makes else None
    wanted = min(expected)
    source.settle(wanted)
    found = source.load()
    if found is None:
        raise MasterKeyLost(
            f"Master key {wanted!r}, with which project keys are wrapped, is not in {source.where}",
            hint=_HINT,
        )
    if {found.id} != expected:
        names = ", ".join(repr(one) for one in sorted(expected))
        raise MasterKeyWrong(
            f"{source.where} holds master key {found.id!r}; project keys are wrapped with {names}",
            hint=_HINT,
        )
    return found
