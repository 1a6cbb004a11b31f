"""A code snapshot from upload to the order that a node receives."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest

from pileus.core.schemas.code import CodeFile, CodeManifest, code_id
from tests.integration.conftest import ROOT, RunningServer
from tests.integration.test_jobs_api import Node, job, put_blob, submit

CONTENT = b"print('hello')\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


MANIFEST = CodeManifest(
    pack=sha256(CONTENT),
    files=(CodeFile(path="a.py", size=len(CONTENT), digest=sha256(CONTENT)),),
).content()


@pytest.fixture
async def node(worker: httpx.AsyncClient) -> Node:
    made = Node(worker)
    await made.register()
    return made


async def create(owner: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await owner.post(f"{ROOT}/code", json={"manifest": sha256(MANIFEST)} | body)


@pytest.fixture
async def code(owner: httpx.AsyncClient) -> dict[str, Any]:
    await put_blob(owner, MANIFEST)
    await put_blob(owner, CONTENT)
    answer = await create(owner)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


class TestCreate:
    async def test_its_id_is_a_digest_of_its_content(self, code: dict[str, Any]) -> None:
        assert code["id"] == code_id(MANIFEST)
        assert (code["files"], code["pack_bytes"]) == (1, len(CONTENT))

    async def test_the_same_content_again_is_the_same_with_its_first_provenance(
        self, owner: httpx.AsyncClient, code: dict[str, Any]
    ) -> None:
        again = await create(owner, provenance={"commit": "a" * 40})

        assert again.json() == code

    async def test_provenance_is_kept_with_its_diff(self, owner: httpx.AsyncClient) -> None:
        await put_blob(owner, MANIFEST)
        await put_blob(owner, CONTENT)
        diff = (await put_blob(owner, b"-old\n+new\n"))["digest"]
        told = {"commit": "a" * 40, "branch": "trunk", "is_changed": True, "diff": diff}

        made = (await create(owner, provenance=told)).json()

        assert made["provenance"] == told | {"is_diff_cut": False}
        found = await owner.get(f"{ROOT}/code/{made['id']}")
        assert found.json() == made

    async def test_what_was_not_uploaded_is_refused(self, owner: httpx.AsyncClient) -> None:
        no_manifest = await create(owner)
        await put_blob(owner, MANIFEST)
        no_pack = await create(owner)

        assert no_manifest.json()["error"]["code"] == "code_refused"
        assert "Pack" in no_pack.json()["error"]["message"]

    async def test_a_blob_that_is_no_manifest_is_refused(self, owner: httpx.AsyncClient) -> None:
        digest = (await put_blob(owner, b'{"files": "all"}'))["digest"]

        answer = await create(owner, manifest=digest)

        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "code_refused")


class TestUse:
    async def test_it_says_whether_the_project_has_it(
        self, owner: httpx.AsyncClient, code: dict[str, Any]
    ) -> None:
        assert (await owner.post(f"{ROOT}/code/{code['id']}/use")).json()["id"] == code["id"]
        unknown = await owner.post(f"{ROOT}/code/code_{'0' * 40}/use")
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "code_not_found")


class TestJob:
    async def test_it_carries_the_digest_and_the_node_gets_the_files(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        node: Node,
        code: dict[str, Any],
    ) -> None:
        job_id = await submit(owner, command=["python", "a.py"], code=code["id"])
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]

        assert (await job(owner, job_id))["code_digest"] == code["manifest"]
        (given,) = order["spec"]["inputs"]
        assert given["kind"] == "code"
        assert [(file["path"], file["digest"]) for file in given["files"]] == [
            ("manifest.json", code["manifest"]),
            ("pack", code["pack"]),
        ]

    async def test_a_snapshot_that_is_not_there_is_refused(self, owner: httpx.AsyncClient) -> None:
        spec = {"kind": "command", "command": ["true"], "code": f"code_{'0' * 40}"}

        answer = await owner.post(f"{ROOT}/jobs", json=spec)

        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "code_not_found")

    async def test_a_recipe_takes_none(self, owner: httpx.AsyncClient) -> None:
        spec = {"kind": "train", "recipe": "cnn", "dataset": "digits", "code": "code_1"}

        answer = await owner.post(f"{ROOT}/jobs", json=spec)

        assert answer.status_code == 422
        assert "takes no 'code'" in answer.text

    async def test_an_environment_is_of_the_code(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node, code: dict[str, Any]
    ) -> None:
        spec = {"kind": "command", "command": ["true"], "environment_file": "requirements.txt"}
        without = await owner.post(f"{ROOT}/jobs", json=spec)
        odd = await owner.post(
            f"{ROOT}/jobs", json=spec | {"code": code["id"], "environment_file": "../x.txt"}
        )

        await submit(owner, **spec | {"code": code["id"]})
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]

        assert (without.status_code, odd.status_code) == (422, 422)
        assert order["spec"]["environment_file"] == "requirements.txt"
