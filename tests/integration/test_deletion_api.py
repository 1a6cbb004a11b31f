"""Every noun goes and comes back, over HTTP; what is collected is gone, and is still explained."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from pileus.metering.tables import BLOBS
from pileus.security.tables import KEPT_ROWS
from pileus.storage.transaction import Transaction
from tests.integration.conftest import ROOT, RunningServer
from tests.integration.test_datasets_api import content, prepared, upload
from tests.integration.test_jobs_api import Node, ended, node, put_blob, submit
from tests.integration.test_serving_api import served, trained

__all__ = ["node", "prepared"]


async def made_dataset(owner: httpx.AsyncClient, prepared: Any, name: str = "flowers") -> str:
    body = {"manifest": await upload(owner, prepared), "profile": prepared.profile.digest}
    answer = await owner.post(f"{ROOT}/datasets/{name}/versions", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def deleted(owner: httpx.AsyncClient, path: str, **params: Any) -> dict[str, Any]:
    answer = await owner.delete(f"{ROOT}/{path}", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def undelete(owner: httpx.AsyncClient, identifier: str) -> httpx.Response:
    return await owner.post(f"{ROOT}/deleted/{identifier}/undelete")


async def blobs(server: RunningServer) -> dict[str, Any]:
    rows = await server.services.database.read(lambda snapshot: snapshot.find(BLOBS))
    return {row["digest"]: row for row in rows}


async def stored_bytes(server: RunningServer) -> int:
    """What the storage meter of the only project counts."""
    from pileus.metering.store import storage_meters  # used once

    found = await server.services.database.read(storage_meters.find)
    return sum(meter.bytes for meter in found)


class TestDataset:
    async def test_goes_with_its_versions_and_comes_back_whole(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        version = await made_dataset(owner, prepared)
        before = (await owner.get(f"{ROOT}/datasets/flowers")).json()

        tombstone = await deleted(owner, "datasets/flowers")
        gone = await owner.get(f"{ROOT}/datasets/flowers")
        listed = (await owner.get(f"{ROOT}/deleted")).json()["items"]
        back = await undelete(owner, tombstone["id"])
        after = (await owner.get(f"{ROOT}/datasets/flowers")).json()

        assert gone.status_code == 404
        assert {(t["noun"], t["name"]) for t in listed} == {
            ("dataset", "flowers"),
            ("dataset_version", "flowers@1"),
        }
        assert back.status_code == 200
        assert {k: v for k, v in after.items() if k != "rev"} == {
            k: v for k, v in before.items() if k != "rev"
        }
        assert (await owner.get(f"{ROOT}/dataset-versions/{version}")).status_code == 200
        assert (await owner.get(f"{ROOT}/deleted")).json()["items"] == []

    async def test_a_version_alone_leaves_the_rest_and_its_number_is_not_used_again(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        await made_dataset(owner, prepared)

        tombstone = await deleted(owner, "datasets/flowers@1")
        empty = (await owner.get(f"{ROOT}/datasets/flowers")).json()
        await made_dataset(owner, prepared)
        again = (await owner.get(f"{ROOT}/datasets/flowers/versions")).json()["items"]
        back = await undelete(owner, tombstone["id"])

        assert (empty["versions"], empty["newest"]) == (1, None)
        assert [one["number"] for one in again] == [2]
        assert back.json()["error"]["code"] == "cannot_return"
        assert "exists already" in back.json()["error"]["message"]

    async def test_its_name_is_free_at_once(self, owner: httpx.AsyncClient, prepared: Any) -> None:
        await made_dataset(owner, prepared)
        tombstone = await deleted(owner, "datasets/flowers")

        await made_dataset(owner, prepared)
        back = await undelete(owner, tombstone["id"])

        assert back.json()["error"]["code"] == "cannot_return"
        assert (await owner.get(f"{ROOT}/datasets/flowers/versions")).json()["items"]

    async def test_that_a_waiting_job_reads_stays(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        await made_dataset(owner, prepared)
        spec = {"kind": "train", "recipe": "mlp", "dataset": "flowers"}
        job = (await owner.post(f"{ROOT}/jobs", json=spec)).json()

        for path in ("datasets/flowers", "datasets/flowers@1"):
            refused = (await owner.delete(f"{ROOT}/{path}")).json()["error"]
            assert refused["code"] == "still_used"
            assert job["id"] in refused["hint"]
        await owner.post(f"{ROOT}/jobs/{job['id']}/cancel")

        assert (await owner.delete(f"{ROOT}/datasets/flowers")).status_code == 200

    async def test_a_version_that_went_with_its_dataset_comes_back_with_it(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        version = await made_dataset(owner, prepared)
        tombstone = await deleted(owner, "datasets/flowers")

        refused = (await undelete(owner, version)).json()["error"]

        assert refused["code"] == "cannot_return"
        assert tombstone["id"] in refused["hint"]


class TestBytes:
    async def test_cost_nothing_once_they_are_deleted_and_again_when_they_are_back(
        self, server: RunningServer, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        await made_dataset(owner, prepared)
        full = await stored_bytes(server)

        tombstone = await deleted(owner, "datasets/flowers")
        freed = await stored_bytes(server)
        hidden = await owner.get(f"{ROOT}/blobs/{prepared.manifest_digest}")
        await undelete(owner, tombstone["id"])

        assert full > 0
        assert freed == 0
        assert hidden.status_code == 404
        assert "undelete" in hidden.json()["error"]["hint"]
        assert await stored_bytes(server) == full
        assert (await owner.get(f"{ROOT}/blobs/{prepared.manifest_digest}")).status_code == 200

    async def test_that_another_dataset_names_stay(
        self, server: RunningServer, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        await made_dataset(owner, prepared, "a")
        await made_dataset(owner, prepared, "b")
        full = await stored_bytes(server)

        await deleted(owner, "datasets/a", now=True)
        await server.services.collector.collect()

        assert await stored_bytes(server) == full
        assert (await owner.get(f"{ROOT}/blobs/{prepared.manifest_digest}")).status_code == 200

    async def test_that_were_announced_again_meanwhile_are_kept(
        self, server: RunningServer, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        await made_dataset(owner, prepared)
        await deleted(owner, "datasets/flowers", now=True)
        digests = [blob.digest for blob in prepared.blobs]

        missing = await owner.post(f"{ROOT}/blobs/missing", json={"digests": digests})
        await server.services.collector.collect()
        made = await owner.post(
            f"{ROOT}/datasets/other/versions", json={"manifest": prepared.manifest_digest}
        )

        assert missing.json() == {"missing": []}
        assert made.status_code == 201, made.text

    async def test_that_are_gone_are_missing_and_a_version_of_them_is_refused(
        self, server: RunningServer, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        await made_dataset(owner, prepared)
        await deleted(owner, "datasets/flowers", now=True)

        collected = (await owner.post("/api/v1/collect")).json()
        digests = sorted(blob.digest for blob in prepared.blobs)
        missing = await owner.post(f"{ROOT}/blobs/missing", json={"digests": digests})
        made = await owner.post(
            f"{ROOT}/datasets/flowers/versions", json={"manifest": prepared.manifest_digest}
        )

        assert collected["blobs"] == len(digests)
        assert collected["bytes"] == sum(len(content(blob)) for blob in prepared.blobs)
        assert sorted(missing.json()["missing"]) == digests
        assert made.status_code in {404, 422}
        assert await blobs(server) == {}

    async def test_a_dry_run_removes_nothing(
        self, server: RunningServer, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        await made_dataset(owner, prepared)
        await deleted(owner, "datasets/flowers", now=True)

        said = (await owner.post("/api/v1/collect", params={"dry_run": True})).json()

        assert (said["is_dry_run"], said["blobs"]) == (True, len(prepared.blobs))
        assert len(await blobs(server)) == len(prepared.blobs)


class TestModel:
    async def test_a_version_that_an_endpoint_serves_stays(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        await served(server, owner, node)

        for path in ("models/digits", "models/digits:1"):
            refused = (await owner.delete(f"{ROOT}/{path}")).json()["error"]
            assert refused["code"] == "still_used"
            assert "pileus endpoint delete digits" in refused["hint"]

    async def test_lineage_outlives_endpoint_model_job_and_collection(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        route = await served(server, owner, node)
        version = (await owner.get(f"{ROOT}/models/digits/versions/1")).json()
        before = (await owner.get(f"{ROOT}/lineage/{route['revision']}")).json()["steps"]

        await deleted(owner, "endpoints/digits", now=True)
        await deleted(owner, "models/digits", now=True)
        await deleted(owner, f"jobs/{version['job']}", now=True)
        await server.services.collector.collect()
        after = (await owner.get(f"{ROOT}/lineage/{route['revision']}")).json()["steps"]

        assert [(s["noun"], s["id"]) for s in after] == [(s["noun"], s["id"]) for s in before]
        assert after[0]["endpoint"] == "digits"
        assert after[0]["endpoint_deleted_by"] == "owner"
        assert after[1]["deleted_by"] == "owner"
        assert after[1]["digests"] == [file["digest"] for file in version["bundle"]]
        assert after[1]["evaluation"] == before[1]["evaluation"]
        assert after[2]["code_digest"] == before[2]["code_digest"]
        assert after[2]["cost_micro"] == before[2]["cost_micro"]
        assert await blobs(server) == {}

    async def test_an_endpoint_without_its_model_does_not_come_back(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        await served(server, owner, node)
        endpoint = await deleted(owner, "endpoints/digits")
        model = await deleted(owner, "models/digits")

        refused = (await undelete(owner, endpoint["id"])).json()["error"]
        await undelete(owner, model["id"])
        back = await undelete(owner, endpoint["id"])

        assert refused["code"] == "cannot_return"
        assert model["id"] in refused["hint"]
        assert back.status_code == 200

    async def test_a_gateway_loses_and_regains_the_route(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        node: Node,
    ) -> None:
        route = await served(server, owner, node)

        endpoint = await deleted(owner, "endpoints/digits")
        without = (await gateway.get("/api/v1/gateway/routes")).json()
        await undelete(owner, endpoint["id"])
        again = (await gateway.get("/api/v1/gateway/routes")).json()

        assert without["endpoints"] == []
        assert [one["revision"] for one in again["endpoints"]] == [route["revision"]]


class TestJob:
    async def test_that_has_not_ended_stays(self, owner: httpx.AsyncClient) -> None:
        job_id = await submit(owner)

        refused = (await owner.delete(f"{ROOT}/jobs/{job_id}")).json()["error"]

        assert refused["code"] == "still_used"
        assert f"pileus job cancel {job_id}" in refused["hint"]

    async def test_one_from_before_a_column_comes_back_with_its_default(
        self, owner: httpx.AsyncClient, server: RunningServer, node: Node
    ) -> None:
        job = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        await node.sync(ended(order))
        tombstone = await deleted(owner, f"jobs/{job}")

        def forget(transaction: Transaction) -> None:
            for kept in transaction.find(KEPT_ROWS, [("table_name", "=", "attempt")]):
                record = {k: v for k, v in kept["record"].items() if k != "rank"}
                transaction.put(KEPT_ROWS, {**kept, "record": record})

        await server.services.database.write(forget)
        back = await undelete(owner, tombstone["id"])
        attempts = (await owner.get(f"{ROOT}/jobs/{job}/attempts")).json()["items"]

        assert back.status_code == 200, back.text
        assert [one["rank"] for one in attempts] == [0]

    async def test_comes_back_with_artifacts_metrics_and_logs(
        self, server: RunningServer, owner: httpx.AsyncClient, worker: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        for name, data in (("stdout", b"hello\n"), ("metrics", b'{"name": "m", "value": 1}\n')):
            path = f"/api/v1/attempts/{order['id']}/streams/{name}"
            await worker.put(path, params={"offset": 0}, content=data)
        artifact = {"path": "x", **await put_blob(owner, b"artifact")}
        await node.sync(ended(order, artifacts=[artifact]))

        async def all_of_it() -> list[Any]:
            paths = ("attempts", "metrics", "artifacts", "logs")
            return [(await owner.get(f"{ROOT}/jobs/{job_id}/{path}")).text for path in paths]

        before = await all_of_it()
        tombstone = await deleted(owner, f"jobs/{job_id}")
        gone = await owner.get(f"{ROOT}/jobs/{job_id}")
        assert await stored_bytes(server) == 0
        await undelete(owner, tombstone["id"])

        assert gone.status_code == 404
        after = await all_of_it()
        assert after[1:] == before[1:]
        assert before[3] == "hello\n"

    async def test_a_late_word_of_a_deleted_attempt_makes_its_node_forget_it(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        await node.sync(ended(order))
        await deleted(owner, f"jobs/{job_id}", now=True)

        orders = await node.sync(ended(order))
        why = (await owner.get(f"{ROOT}/why/{job_id}")).json()

        assert orders["forget"] == [order["id"]]
        assert (why["state"], "owner deleted" in why["reason"]) == ("deleted", True)

    async def test_a_bundle_that_was_collected_is_not_registered(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node, tmp_path: Path
    ) -> None:
        job_id = await trained(server, owner, node)
        rows = await blobs(server)
        await server.services.database.write(
            lambda transaction: server.services.storage.forget(
                transaction, next(iter(rows.values()))["project"], list(rows)
            )
        )

        refused = await owner.post(f"{ROOT}/models/digits/versions", json={"job": job_id})

        assert refused.json()["error"]["code"] == "blob_not_found"
        assert (await owner.get(f"{ROOT}/models")).json()["items"] == []


class TestRecords:
    async def test_old_ones_go_on_request_and_come_back(
        self, server: RunningServer, owner: httpx.AsyncClient, gateway: httpx.AsyncClient
    ) -> None:
        project = (await owner.get(ROOT)).json()["id"]
        await gateway.put(
            "/api/v1/gateway/segments/1/1",
            params={"project": project, "source": "s"},
            content=b'{"id": "x"}\n',
        )
        before = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()

        tombstone = await deleted(owner, "predictions", before=before)
        freed = await stored_bytes(server)
        await undelete(owner, tombstone["id"])

        assert freed == 0
        assert await stored_bytes(server) > 0


class TestTrail:
    async def test_every_deletion_is_in_the_audit(
        self, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        await made_dataset(owner, prepared)
        tombstone = await deleted(owner, "datasets/flowers")
        await undelete(owner, tombstone["id"])

        events = (await owner.get(f"{ROOT}/audit")).json()["items"]

        assert [event["action"] for event in events[:2]] == ["undelete", "delete"]
        assert events[1]["detail"]["tombstone"] == tombstone["id"]

    async def test_what_was_never_deleted_cannot_be_brought_back(
        self, owner: httpx.AsyncClient
    ) -> None:
        refused = (await undelete(owner, "dsv_nothing")).json()["error"]

        assert refused["code"] == "tombstone_not_found"

    async def test_a_job_of_a_deleted_dataset_still_says_what_it_read(
        self, server: RunningServer, owner: httpx.AsyncClient, prepared: Any
    ) -> None:
        version = await made_dataset(owner, prepared)
        spec = {"kind": "train", "recipe": "mlp", "dataset": "flowers"}
        job = (await owner.post(f"{ROOT}/jobs", json=spec)).json()
        await owner.post(f"{ROOT}/jobs/{job['id']}/cancel")
        await deleted(owner, "datasets/flowers", now=True)
        await server.services.collector.collect()

        steps = (await owner.get(f"{ROOT}/lineage/{job['id']}")).json()["steps"]

        assert (steps[1]["id"], steps[1]["name"]) == (version, "flowers@1")
        assert steps[1]["digests"] == [prepared.manifest_digest]
        assert steps[1]["deleted_by"] == "owner"
