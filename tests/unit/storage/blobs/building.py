"""A keyring without a database, for tests of what uses one."""

from __future__ import annotations

from pileus.storage.blobs.keyring import ProjectKeys
from pileus.storage.errors import ProjectShredded


def key_id(number: int) -> str:
    return f"key_{number:026}"


class FakeKeyring:
    """Implements `storage.blobs.keyring.Keyring`; tests turn its wheels."""

    def __init__(self) -> None:
        self.keys: dict[str, ProjectKeys] = {}
        self.shredded: set[str] = set()

    async def find(self, project: str) -> ProjectKeys | None:
        if project in self.shredded:
            raise ProjectShredded(f"Project {project!r} is shredded")
        return self.keys.get(project)

    async def ensure(self, project: str) -> ProjectKeys:
        if await self.find(project) is None:
            naming = project.encode().ljust(32, b"n")
            self.keys[project] = ProjectKeys(naming, {key_id(1): b"1" * 32}, key_id(1))
        return self.keys[project]

    def rotate(self, project: str) -> ProjectKeys:
        before = self.keys[project]
        new = key_id(len(before.data) + 1)
        data = {**before.data, new: new[-1].encode() * 32}
        self.keys[project] = ProjectKeys(before.naming, data, new)
        return self.keys[project]
