"""Members, tokens and whole projects go and come back, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.conftest import ROOT, RunningServer
from tests.integration.test_datasets_api import prepared, upload
from tests.integration.test_deletion_api import blobs, deleted, stored_bytes, undelete
from tests.integration.test_jobs_api import Node, node
from tests.integration.test_serving_api import served

__all__ = ["node", "prepared"]


class TestPeople:
    async def test_a_member_goes_with_their_tokens_and_comes_back(
        self, server: RunningServer, owner: httpx.AsyncClient
    ) -> None:
        token = await server.member("ada", "developer")

        tombstone = await deleted(owner, "principals/ada")
        async with server.client(token) as ada:
            refused = await ada.get(f"{ROOT}/jobs")
            await undelete(owner, tombstone["id"])
            again = await ada.get(f"{ROOT}/jobs")

        assert refused.status_code == 401
        assert again.status_code == 200

    async def test_the_last_admin_stays(self, owner: httpx.AsyncClient) -> None:
        refused = (await owner.delete(f"{ROOT}/principals/owner")).json()["error"]

        assert refused["code"] == "last_admin"

    async def test_the_last_operator_stays(
        self, server: RunningServer, owner: httpx.AsyncClient
    ) -> None:
        await server.member("grace", "admin")

        refused = (await owner.delete(f"{ROOT}/principals/owner")).json()["error"]

        assert refused["code"] == "last_admin"
        assert "operator" in refused["message"]

    async def test_a_token_leaves_the_list(
        self, server: RunningServer, owner: httpx.AsyncClient
    ) -> None:
        await server.member("ada", "developer")
        tokens = (await owner.get(f"{ROOT}/tokens")).json()["items"]

        await deleted(owner, f"tokens/{tokens[-1]['id']}")

        left = (await owner.get(f"{ROOT}/tokens")).json()["items"]
        assert [one["id"] for one in left] == [one["id"] for one in tokens[:-1]]

    async def test_a_developer_does_not_bring_a_member_back(
        self, server: RunningServer, owner: httpx.AsyncClient
    ) -> None:
        await server.member("ada", "admin")
        token = await server.member("eve", "developer")
        tombstone = await deleted(owner, "principals/ada")

        async with server.client(token) as eve:
            refused = await undelete(eve, tombstone["id"])

        assert refused.json()["error"]["code"] == "role_too_low"


class TestProject:
    @pytest.fixture
    async def other(self, server: RunningServer, owner: httpx.AsyncClient, prepared: Any) -> Any:
        """A client of another project, with a dataset in it."""
        made = (await owner.post("/api/v1/projects", json={"name": "other"})).json()
        async with server.client(made["token"]) as client:
            root = "/api/v1/projects/other"
            body = {"manifest": await upload(client, prepared, root)}
            body["profile"] = prepared.profile.digest
            await client.post(f"{root}/datasets/d/versions", json=body)
            yield client

    async def test_is_shut_at_once_and_open_again_when_it_is_back(
        self, server: RunningServer, owner: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        full = await stored_bytes(server)
        tombstone = (await owner.delete("/api/v1/projects/other")).json()
        shut = await other.get("/api/v1/projects/other/datasets/d")
        freed = await stored_bytes(server)
        back = await undelete(owner, tombstone["id"])
        again = await other.get("/api/v1/projects/other/datasets/d")

        assert tombstone["noun"] == "project"
        assert shut.status_code == 401
        assert (full > 0, freed) == (True, 0)
        assert back.status_code == 200
        assert again.status_code == 200
        assert await stored_bytes(server) == full

    async def test_is_gone_for_good_but_its_money_and_audit_are_not(
        self, server: RunningServer, owner: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        project = (await other.get("/api/v1/projects/other")).json()["id"]
        events = await server.services.database.read(
            lambda snapshot: server.services.audit.events(snapshot, project)
        )

        tombstone = (await owner.delete("/api/v1/projects/other", params={"now": True})).json()
        await server.services.collector.collect()
        refused = await undelete(owner, tombstone["id"])
        kept = await server.services.database.read(
            lambda snapshot: server.services.audit.events(snapshot, project)
        )

        assert await blobs(server) == {}
        assert refused.json()["error"]["code"] == "cannot_return"
        assert kept == events
        assert events
        assert (await owner.post("/api/v1/projects", json={"name": "other"})).status_code == 201

    async def test_takes_along_what_was_deleted_in_it_before(
        self, server: RunningServer, owner: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        await other.delete("/api/v1/projects/other/datasets/d", params={"now": True})
        await owner.delete("/api/v1/projects/other", params={"now": True})

        first = (await owner.post("/api/v1/collect")).json()
        second = (await owner.post("/api/v1/collect")).json()

        assert (first["tombstones"], second["tombstones"]) == (3, 0)
        assert await blobs(server) == {}

    async def test_with_a_job_that_waits_stays(
        self, owner: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        body = {"kind": "command", "command": ["true"]}
        await other.post("/api/v1/projects/other/jobs", json=body)

        refused = (await owner.delete("/api/v1/projects/other")).json()["error"]

        assert refused["code"] == "still_used"

    async def test_the_first_and_ones_own_stay(self, owner: httpx.AsyncClient) -> None:
        refused = (await owner.delete("/api/v1/projects/default")).json()["error"]

        assert refused["code"] == "not_deletable"

    async def test_what_a_gateway_metered_before_is_still_billed(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        node: Node,
    ) -> None:
        from tests.integration.test_serving_api import counter, report  # used once

        route = await served(server, owner, node)
        made = (await owner.post("/api/v1/projects", json={"name": "brief"})).json()["project"]
        await owner.delete("/api/v1/projects/brief")

        late = counter(route, requests=3, predictions=3) | {"project": made["id"]}
        await gateway.post("/api/v1/gateway/meters", json=report(3, late))
        spool = await gateway.put(
            "/api/v1/gateway/segments/1/1",
            params={"project": made["id"], "source": "s"},
            content=b"{}\n",
        )

        invoice = await server.services.ledger.invoice(made["id"], None, None)
        assert [(line.resource, line.quantity) for line in invoice.lines] == [("prediction", 3)]
        assert spool.json()["error"]["code"] == "project_not_found"
