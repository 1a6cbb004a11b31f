"""kill -9 between two durable effects on keys: the next start finds everything readable or gone."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pileus.core.clock import SystemClock
from pileus.core.failpoints import VARIABLE
from pileus.security.settings import SecuritySettings
from pileus.server.settings import ServerSettings, Settings
from pileus.server.wiring import assemble, open_database
from pileus.storage.blob import read_all
from pileus.storage.errors import ProjectShredded

DATA = b"data of the project" * 1000


class Server:
    """A server's services over a home on the disk, for as long as the context lasts."""

    def __init__(self, home: Path, *, encrypts: bool = True) -> None:
        self._settings = Settings(
            server=ServerSettings(home=home), security=SecuritySettings(encrypt_blobs=encrypts)
        )

    async def __aenter__(self) -> Any:
        self._database = await open_database(self._settings.server)
        self.services, _ = await assemble(self._settings, self._database, SystemClock())
        tokens = json.loads((self._settings.server.run / "tokens.json").read_text())
        self.caller = await self.services.access.authenticate(tokens["default"])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()


async def act(home: Path, action: str) -> None:
    async with Server(home) as server:
        keys, caller = server.services.keys, server.caller
        if action == "rotate_master":
            await keys.rotate_master(caller)
        elif action == "shred":
            await keys.shred(caller, "default", server.services.storage.forget_all)
        else:
            await keys.rewrite(caller)
            await server.services.rewriting.work()


def killed(home: Path, point: str, action: str) -> None:
    """Do it in a process that dies at `point`."""
    armed = home / "failpoints"
    armed.mkdir()
    (armed / point).touch()
    ended = subprocess.run(
        [sys.executable, __file__, str(home), action],
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), VARIABLE: str(armed)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


class TestKilled:
    @pytest.mark.parametrize("point", ["master_key.prepared", "master_key.rewrapped"])
    async def test_in_a_rotation_of_the_master_key(self, tmp_path, point):
        async with Server(tmp_path) as server:
            project = server.caller.project
            digest = await server.services.blobs.put_bytes(project, DATA)
            before = server.services.keys.master

        await asyncio.to_thread(killed, tmp_path, point, "rotate_master")

        async with Server(tmp_path) as server:
            assert await read_all(server.services.blobs, project, digest) == DATA
            is_done = server.services.keys.master != before
            assert is_done is (point == "master_key.rewrapped")
        assert not (tmp_path / "keys" / "master.key.next").exists()

    async def test_in_a_rewriting(self, tmp_path):
        async with Server(tmp_path, encrypts=False) as server:
            project = server.caller.project
            digest = await server.services.blobs.put_bytes(project, DATA)

        await asyncio.to_thread(killed, tmp_path, "blob.rewritten", "rewrite")

        async with Server(tmp_path) as server:
            await server.services.rewriting.work()
            assert await read_all(server.services.blobs, project, digest) == DATA
            held = await server.services.keys.held(project)
            assert held.census == {held.current: 1}

    async def test_in_a_shredding(self, tmp_path):
        async with Server(tmp_path) as server:
            project = server.caller.project
            digest = await server.services.blobs.put_bytes(project, DATA)
            rows = (await server.services.keys.held(project)).keys
        wrapped = [row.wrapped.encode() for row in rows]

        await asyncio.to_thread(killed, tmp_path, "project_key.shredded", "shred")

        async with Server(tmp_path) as server:
            with pytest.raises(ProjectShredded):
                await read_all(server.services.blobs, project, digest)
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert not [path for path in files if path.suffix == ".enc"]
        assert not [path for path in files for key in wrapped if key in path.read_bytes()]


if __name__ == "__main__":
    asyncio.run(act(Path(sys.argv[1]), sys.argv[2]))
