"""Profiles of dataset versions: made with the version, made anew, refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from pileus.data.ingest import prepare
from tests.integration.conftest import ROOT, RunningServer


@pytest.fixture
def prepared(tmp_path: Path) -> Any:
    source = tmp_path / "flowers.csv"
    rows = "\n".join(f"{n},{n % 3},{'ab'[n % 2]}" for n in range(40))
    source.write_text(f"x,y,kind\n{rows}\n")
    into = tmp_path / "packs"
    into.mkdir()
    return prepare(str(source), into=into, label="kind")


async def put(owner: httpx.AsyncClient, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    answer = await owner.put(f"{ROOT}/blobs/{digest}", content=data)
    assert answer.status_code == 200, answer.text
    return digest


async def made(owner: httpx.AsyncClient, prepared: Any, profile: str | None) -> httpx.Response:
    for blob in prepared.blobs:
        await put(owner, blob.path.read_bytes())
    body = {"manifest": prepared.manifest_digest, "profile": profile}
    return await owner.post(f"{ROOT}/datasets/flowers/versions", json=body)


async def profiles(owner: httpx.AsyncClient, version: str = "flowers") -> list[dict[str, Any]]:
    answer = await owner.get(f"{ROOT}/dataset-versions/{version}/profiles")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def newer(prepared: Any, **changes: object) -> bytes:
    document = json.loads(prepared.profile.path.read_bytes())
    return json.dumps({**document, **changes}).encode()


class TestProfiles:
    async def test_come_with_the_version_and_repeat_as_one(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        for _ in range(2):
            answer = await made(owner, prepared, prepared.profile.digest)
            assert answer.status_code == 201, answer.text

        (profile,) = await profiles(owner)

        assert profile["version"] == prepared.manifest.id
        assert (profile["number"], profile["schema_number"], profile["profiler"]) == (1, 1, 1)
        assert profile["digest"] == prepared.profile.digest
        document = await owner.get(f"{ROOT}/blobs/{profile['digest']}")
        assert document.content == prepared.profile.path.read_bytes()

    async def test_of_a_newer_profiler_stand_beside_the_first(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        before = (await made(owner, prepared, prepared.profile.digest)).json()
        digest = await put(owner, newer(prepared, profiler=2))

        answer = await owner.post(
            f"{ROOT}/dataset-versions/flowers@1/profiles", json={"profile": digest}
        )

        assert answer.status_code == 201, answer.text
        assert [(one["number"], one["profiler"]) for one in await profiles(owner)] == [
            (1, 1),
            (2, 2),
        ]
        assert (await owner.get(f"{ROOT}/dataset-versions/flowers")).json()["id"] == before["id"]

    async def test_a_version_may_have_none(self, owner: httpx.AsyncClient, prepared: Any) -> None:
        await made(owner, prepared, None)

        assert await profiles(owner) == []

    async def test_that_do_not_fit_leave_no_version(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        digest = await put(owner, newer(prepared, version="dsv_of_another"))

        answer = await made(owner, prepared, digest)

        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "profile_refused")
        assert (await owner.get(f"{ROOT}/datasets/flowers")).status_code == 404

    async def test_that_were_not_uploaded_are_refused(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        answer = await made(owner, prepared, "0" * 64)

        assert answer.json()["error"]["code"] == "profile_refused"

    async def test_of_no_version_are_not_found(
        self, server: RunningServer, owner: httpx.AsyncClient
    ) -> None:
        answer = await owner.post(
            f"{ROOT}/dataset-versions/none/profiles", json={"profile": "0" * 64}
        )

        assert answer.json()["error"]["code"] == "dataset_not_found"

    async def test_are_stored_bytes_that_are_metered(
        self, server: RunningServer, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        await made(owner, prepared, prepared.profile.digest)

        project = (await owner.get("/api/v1/me")).json()["project"]
        sizes = await server.services.storage.sizes(project, [prepared.profile.digest])

        assert sizes == {prepared.profile.digest: prepared.profile.size}
