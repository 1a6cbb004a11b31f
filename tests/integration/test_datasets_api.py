"""Blobs and dataset versions, from upload to listing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from pileus.core.staging import staging_directory, staging_root
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


def content(blob: Any) -> bytes:
    return Path(blob.path).read_bytes()


async def upload(owner: httpx.AsyncClient, prepared: Any, root: str = ROOT) -> str:
    for blob in prepared.blobs:
        answer = await owner.put(f"{root}/blobs/{blob.digest}", content=content(blob))
        assert answer.status_code == 200, answer.text
    return str(prepared.manifest_digest)


class TestVersions:
    async def test_the_same_content_is_the_same_version(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        manifest = await upload(owner, prepared)

        made = [
            (await owner.post(f"{ROOT}/datasets/{name}/versions", json={"manifest": manifest}))
            for name in ("a", "a", "b")
        ]
        listed = (await owner.get(f"{ROOT}/datasets/a/versions")).json()["items"]

        assert [answer.status_code for answer in made] == [201, 201, 201]
        assert len({answer.json()["id"] for answer in made}) == 1
        assert [version["number"] for version in listed] == [1]

    async def test_what_was_skipped_is_kept_with_the_version(
        self, owner: httpx.AsyncClient, prepared: Any, tmp_path: Path
    ) -> None:
        source = tmp_path / "flowers.csv"
        source.write_text(source.read_text() + "1\n2,3,\n")
        into = tmp_path / "again"
        into.mkdir()
        dirty = prepare(str(source), into=into, label="kind", skip_bad=True)
        manifest = await upload(owner, dirty)

        await owner.post(f"{ROOT}/datasets/a/versions", json={"manifest": manifest})
        shown = (await owner.get(f"{ROOT}/dataset-versions/a@1")).json()

        assert shown["id"] == prepared.manifest.id
        assert shown["info"]["skipped"]["total"] == 2
        assert shown["info"]["skipped"]["codes"] == [["label_refused", 1], ["table_damaged", 1]]
        assert [part["line"] for part in shown["info"]["skipped"]["first"]] == [42, 43]

    async def test_a_manifest_whose_packs_are_missing_is_refused(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        manifest = next(b for b in prepared.blobs if b.digest == prepared.manifest_digest)
        await owner.put(f"{ROOT}/blobs/{manifest.digest}", content=content(manifest))

        answer = await owner.post(
            f"{ROOT}/datasets/a/versions", json={"manifest": prepared.manifest_digest}
        )

        assert answer.json()["error"]["code"] == "manifest_refused"
        assert "Upload every pack" in answer.json()["error"]["hint"]

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"schema": 1}', b"\xff" * 10])
    async def test_what_is_no_manifest_is_refused(
        self, owner: httpx.AsyncClient, data: bytes
    ) -> None:
        digest = hashlib.sha256(data).hexdigest()
        await owner.put(f"{ROOT}/blobs/{digest}", content=data)

        answer = await owner.post(f"{ROOT}/datasets/a/versions", json={"manifest": digest})

        assert answer.json()["error"]["code"] == "manifest_refused", answer.text

    async def test_a_name_that_reads_as_a_version_is_refused(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        manifest = await upload(owner, prepared)

        answer = await owner.post(f"{ROOT}/datasets/dsv_x/versions", json={"manifest": manifest})

        assert answer.json()["error"]["code"] == "invalid_name"

    async def test_packs_may_be_left_in_the_home_of_the_server(
        self, owner: httpx.AsyncClient, prepared: Any, tmp_path: Path
    ) -> None:
        staging_root(tmp_path).mkdir()
        with staging_directory(staging_root(tmp_path)) as directory:
            for blob in prepared.blobs:
                (directory / blob.digest).write_bytes(content(blob))
                taken = await owner.post(
                    f"{ROOT}/blobs/{blob.digest}/staged", json={"directory": directory.name}
                )
                assert taken.json() == {"digest": blob.digest, "size": len(content(blob))}

        made = await owner.post(
            f"{ROOT}/datasets/a/versions", json={"manifest": prepared.manifest_digest}
        )
        pack = prepared.blobs[0]
        read = await owner.get(f"{ROOT}/blobs/{pack.digest}")

        assert made.status_code == 201
        assert read.content == content(pack)

    async def test_what_was_left_has_to_be_what_was_announced(
        self, server: RunningServer, owner: httpx.AsyncClient, tmp_path: Path
    ) -> None:
        staging_root(tmp_path).mkdir()
        digest = hashlib.sha256(b"announced").hexdigest()
        (tmp_path / "of-the-operator").write_bytes(b"announced")
        with staging_directory(staging_root(tmp_path)) as directory:
            address = f"{ROOT}/blobs/{digest}/staged"
            body = {"directory": directory.name}

            absent = await owner.post(address, json=body)
            (directory / digest).symlink_to(tmp_path / "of-the-operator")
            link = await owner.post(address, json=body)
            (directory / digest).unlink()
            (directory / digest).write_bytes(b"another")
            other = await owner.post(address, json=body)
            outside = await owner.post(address, json={"directory": ".."})
            async with server.client(await server.member("eve", "viewer")) as viewer:
                refused = await viewer.post(address, json=body)
            (directory / digest).write_bytes(b"announced")
            object.__setattr__(server.services, "max_blob_bytes", len(b"announced") - 1)
            too_large = await owner.post(address, json=body)

        codes = [answer.json()["error"]["code"] for answer in (absent, link, other, outside)]
        not_found = "staged_file_not_found"
        assert codes == [not_found, not_found, "blob_mismatch", "bad_body"]
        assert refused.status_code == 403
        assert too_large.json()["error"]["code"] == "blob_too_large"
        assert (await owner.get(f"{ROOT}/blobs/{digest}")).status_code == 404

    async def test_another_project_has_to_upload_its_own(
        self, server: RunningServer, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        manifest = await upload(owner, prepared)
        await owner.post(f"{ROOT}/datasets/a/versions", json={"manifest": manifest})
        other = (await owner.post("/api/v1/projects", json={"name": "other"})).json()["token"]

        async with server.client(other) as stranger:
            root = "/api/v1/projects/other"
            made = await stranger.post(f"{root}/datasets/a/versions", json={"manifest": manifest})
            missing = await stranger.post(f"{root}/blobs/missing", json={"digests": [manifest]})
            read = await stranger.get(f"{root}/blobs/{manifest}")

        assert made.json()["error"]["code"] == "manifest_refused"
        assert missing.json() == {"missing": [manifest]}
        assert read.status_code == 404


class TestBlobs:
    async def test_bytes_that_do_not_match_leave_nothing(
        self, server: RunningServer, owner: httpx.AsyncClient, tmp_path: Path
    ) -> None:
        digest = hashlib.sha256(b"right").hexdigest()

        answer = await owner.put(f"{ROOT}/blobs/{digest}", content=b"wrong")

        assert answer.json()["error"]["code"] == "blob_mismatch"
        assert (await owner.get(f"{ROOT}/blobs/{digest}")).status_code == 404
        assert list((tmp_path / "blobs" / "incoming").iterdir()) == []

    async def test_an_upload_that_does_not_say_how_large_it_is_has_a_limit_too(
        self, server: RunningServer, owner: httpx.AsyncClient, tmp_path: Path
    ) -> None:
        object.__setattr__(server.services, "max_blob_bytes", 10)

        async def endless() -> Any:
            while True:
                yield b"x" * 8

        digest = hashlib.sha256(b"x").hexdigest()
        answer = await owner.put(f"{ROOT}/blobs/{digest}", content=endless())

        assert answer.json()["error"]["code"] == "blob_too_large"
        assert list((tmp_path / "blobs" / "incoming").iterdir()) == []


class TestTraining:
    async def test_a_recipe_that_does_not_suit_the_data_is_refused_at_once(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        manifest = await upload(owner, prepared)
        await owner.post(f"{ROOT}/datasets/flowers/versions", json={"manifest": manifest})
        spec = {"kind": "train", "recipe": "cnn", "dataset": "flowers"}

        refused = await owner.post(f"{ROOT}/jobs", json=spec)
        taken = await owner.post(f"{ROOT}/jobs", json=spec | {"recipe": "mlp"})

        error = refused.json()["error"]
        assert (error["code"], error["hint"]) == ("job_refused", "Train with `--recipe mlp`.")
        assert "'cnn' is for kind images; dataset 'flowers' has kind table" in error["message"]
        assert taken.status_code == 201
