"""Encryption at rest as a client sees it, over the whole server."""

from __future__ import annotations

import hashlib

from tests.integration.conftest import ROOT

DATA = b"a very particular sentence" * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()


async def put(client, data=DATA):
    digest = hashlib.sha256(data).hexdigest()
    return await client.put(f"{ROOT}/blobs/{digest}", content=data)


class TestOn:
    async def test_by_default(self, server, owner, tmp_path):
        assert (await put(owner)).status_code == 200

        stored = [path.read_bytes() for path in (tmp_path / "blobs").rglob("*.enc")]
        assert len(stored) == 1
        assert b"particular" not in stored[0]
        assert (await owner.get(f"{ROOT}/blobs/{DIGEST}")).content == DATA
        shown = (await owner.get("/api/v1/encryption")).json()
        assert shown["is_on"] is True
        assert shown["master_key"].startswith("mky_")

    async def test_no_answer_holds_a_key(self, owner):
        await put(owner)

        text = (await owner.get(f"{ROOT}/keys")).text

        assert "wrapped" not in text

    async def test_a_damaged_blob_is_an_error_with_a_code_and_not_a_cut_answer(
        self, owner, tmp_path
    ):
        await put(owner)
        (path,) = (tmp_path / "blobs").rglob("*.enc")
        path.write_bytes(path.read_bytes()[:-1] + b"?")

        answer = await owner.get(f"{ROOT}/blobs/{DIGEST}")

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "blob_damaged")


class TestRotate:
    async def test_then_rewrite_leaves_one_key_in_use(self, server, owner):
        await put(owner)
        body = {"rewrite": True}

        made = (await owner.post(f"{ROOT}/keys/rotate", json=body)).json()
        await server.services.rewriting.work()

        shown = (await owner.get(f"{ROOT}/keys")).json()
        blobs = {key["id"]: key["blobs"] for key in shown["keys"] if key["purpose"] == "data"}
        assert blobs[made["id"]] == 1
        assert sum(blobs.values()) == 1
        assert shown["rewrite"]["state"] == "finished"
        assert (await owner.get(f"{ROOT}/blobs/{DIGEST}")).content == DATA

    async def test_a_repeated_request_makes_one_key(self, owner):
        headers = {"Idempotency-Key": "once"}

        made = [
            (await owner.post(f"{ROOT}/keys/rotate", json={}, headers=headers)).json()["id"]
            for _ in range(2)
        ]

        assert made[0] == made[1]

    async def test_the_master_key(self, owner):
        await put(owner)

        rotated = (await owner.post("/api/v1/keys/master/rotate")).json()

        assert rotated["keys"] == 2
        assert (await owner.get("/api/v1/encryption")).json()["master_key"] == rotated["after"]
        assert (await owner.get(f"{ROOT}/blobs/{DIGEST}")).content == DATA


class TestShred:
    async def test_needs_the_name(self, owner):
        await put(owner)

        answer = await owner.post(f"{ROOT}/keys/shred", json={"confirm": "yes"})

        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "not_confirmed")
        assert (await owner.get(f"{ROOT}/blobs/{DIGEST}")).content == DATA

    async def test_leaves_bill_and_audit_and_nothing_to_pay_for(self, server, owner):
        await put(owner)
        before = (await owner.get(f"{ROOT}/ledger")).status_code

        gone = await owner.post(f"{ROOT}/keys/shred", json={"confirm": "default"})

        assert (gone.status_code, gone.json()["blobs"]) == (200, 1)
        for answer in (await owner.get(f"{ROOT}/blobs/{DIGEST}"), await put(owner, b"new")):
            assert (answer.status_code, answer.json()["error"]["code"]) == (
                409,
                "project_shredded",
            )
        events = (await owner.get(f"{ROOT}/audit")).json()["items"]
        assert events[0]["action"] == "shred"
        assert (await owner.get(f"{ROOT}/ledger")).status_code == before
        project = (await server.services.access.projects())[0].id
        assert await server.services.storage.sizes(project, [DIGEST]) == {}
