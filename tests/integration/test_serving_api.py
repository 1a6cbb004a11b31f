"""From a job's artifacts to a model version, an endpoint, predictions, lineage and money."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from pileus.core.clock import SystemClock
from pileus.core.ids import Ids
from tests.integration.conftest import ROOT, RunningServer
from tests.integration.test_jobs_api import Node, ended, node, put_blob, submit

__all__ = ["node"]

SOURCE = "ab" * 8


async def trained(
    server: RunningServer, owner: httpx.AsyncClient, node: Node, *, passed: bool = True
) -> str:
    """A succeeded job with the artifacts that a recipe leaves."""
    job_id = await submit(owner)
    await server.engine.schedule()
    order = (await node.sync())["attempts"][0]
    documents: dict[str, Any] = {
        "bundle/bundle.json": {"schema": 1, "graph": "model.onnx"},
        "bundle/model.onnx": {"not": "a graph"},
        "evaluation.json": {"accuracy": 0.99, "confusion": [[1]]},
        "parity.json": {"passed": passed, "max_abs_diff": 1e-7, "tolerance": 1e-4},
    }
    artifacts = [
        {"path": path, **await put_blob(owner, json.dumps(content).encode())}
        for path, content in documents.items()
    ]
    await node.sync(ended(order, artifacts=artifacts))
    return job_id


async def served(server: RunningServer, owner: httpx.AsyncClient, node: Node) -> dict[str, Any]:
    """The route of a new endpoint, as a gateway sees it."""
    job_id = await trained(server, owner, node)
    await owner.post(f"{ROOT}/models/digits/versions", json={"job": job_id})
    await owner.post(f"{ROOT}/endpoints", json={"name": "digits", "model": "digits:1"})
    async with server.client(server.gateway) as gateway:
        routes = (await gateway.get("/api/v1/gateway/routes")).json()
    found: dict[str, Any] = routes["endpoints"][0]
    return found


def counter(route: dict[str, Any], **counts: int) -> dict[str, Any]:
    zero = dict.fromkeys(("requests", "predictions", "bytes_in", "bytes_out", "errors"), 0)
    return {
        "slot": 0,
        "project": route["project"],
        "token": "tok_1",
        "revision": route["revision"],
        "price_id": route["price"]["id"],
        **zero,
        **counts,
    }


def report(sequence: int, *counters: dict[str, Any]) -> dict[str, Any]:
    return {"source": SOURCE, "lane": 7, "sequence": sequence, "counters": list(counters)}


class TestRegistration:
    async def test_the_same_job_is_the_same_version(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await trained(server, owner, node)

        first = await owner.post(f"{ROOT}/models/digits/versions", json={"job": job_id})
        second = await owner.post(f"{ROOT}/models/digits/versions", json={"job": job_id})

        assert first.json()["id"] == second.json()["id"]
        assert [f["path"] for f in first.json()["bundle"]] == ["bundle.json", "model.onnx"]
        lineage = (await owner.get(f"{ROOT}/lineage/digits:1")).json()
        assert lineage["id"] == first.json()["id"]
        assert [step["noun"] for step in lineage["steps"]] == ["model_version", "job"]

    async def test_without_parity_there_is_no_version(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await trained(server, owner, node, passed=False)

        answer = await owner.post(f"{ROOT}/models/digits/versions", json={"job": job_id})

        assert answer.json()["error"]["code"] == "registration_refused"
        assert (await owner.get(f"{ROOT}/models")).json()["items"] == []

    async def test_a_command_cannot_become_a_model(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        await node.sync(ended((await node.sync())["attempts"][0]))

        answer = await owner.post(f"{ROOT}/models/digits/versions", json={"job": job_id})

        assert "bundle.json" in answer.json()["error"]["message"]


class TestEndpoints:
    async def test_a_gateway_learns_of_endpoints_and_tokens(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        node: Node,
    ) -> None:
        route = await served(server, owner, node)
        routes = (await gateway.get("/api/v1/gateway/routes")).json()
        again = await gateway.get(f"/api/v1/gateway/routes?after={routes['seq']}&wait=0")

        assert (route["name"], route["model"], route["model_version"]) == ("digits", "digits", 1)
        assert [token["role"] for token in routes["tokens"]] == ["admin"]
        assert again.status_code == 204

    async def test_a_revoked_token_disappears_from_the_routes(
        self, server: RunningServer, owner: httpx.AsyncClient, gateway: httpx.AsyncClient
    ) -> None:
        made = (await owner.post(f"{ROOT}/tokens", json={"name": "t"})).json()
        before = (await gateway.get("/api/v1/gateway/routes")).json()

        await owner.post(f"{ROOT}/tokens/{made['id']}/revoke")
        after = (await gateway.get(f"/api/v1/gateway/routes?after={before['seq']}&wait=5")).json()

        gone = {t["id"] for t in before["tokens"]} - {t["id"] for t in after["tokens"]}
        assert gone == {made["id"]}

    async def test_a_new_revision_takes_the_place_of_the_old(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        await served(server, owner, node)
        job_id = await trained(server, owner, node)
        await owner.post(f"{ROOT}/models/digits/versions", json={"job": job_id})

        await owner.post(f"{ROOT}/endpoints/digits/revisions", json={"model": "digits:2"})
        await owner.post(f"{ROOT}/endpoints/digits/revisions", json={"model": "digits:2"})

        shown = (await owner.get(f"{ROOT}/endpoints/digits")).json()
        assert shown["endpoint"]["number"] == 2
        assert [r["model_number"] for r in shown["revisions"]] == [2, 1]

    async def test_a_name_is_taken_once(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        await served(server, owner, node)

        answer = await owner.post(f"{ROOT}/endpoints", json={"name": "digits", "model": "digits"})

        assert answer.json()["error"]["code"] == "endpoint_exists"

    async def test_a_deleted_endpoint_is_not_served_and_its_lineage_stays(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        node: Node,
    ) -> None:
        route = await served(server, owner, node)

        await owner.delete(f"{ROOT}/endpoints/digits")

        assert (await gateway.get("/api/v1/gateway/routes")).json()["endpoints"] == []
        lineage = (await owner.get(f"{ROOT}/lineage/{route['revision']}")).json()
        assert [s["noun"] for s in lineage["steps"]] == ["revision", "model_version", "job"]

    async def test_nothing_of_a_shredded_project_is_served_or_kept(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        node: Node,
    ) -> None:
        await served(server, owner, node)
        before = (await gateway.get("/api/v1/gateway/routes")).json()

        await owner.post(f"{ROOT}/keys/shred", json={"confirm": "default"})
        after = (await gateway.get(f"/api/v1/gateway/routes?after={before['seq']}&wait=5")).json()
        async with server.client(server.worker) as worker:
            kept = (await worker.get("/api/v1/nodes/projects")).json()

        assert len(before["endpoints"]) == 1
        assert after["endpoints"] == []
        assert kept == {"projects": []}


class TestMeters:
    async def test_counters_become_entries_once(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        node: Node,
    ) -> None:
        route = await served(server, owner, node)
        first = report(5, counter(route, requests=3, predictions=30, bytes_out=100))
        second = report(9, counter(route, requests=4, predictions=45, bytes_out=150))

        for sent in (first, first, second, first, second):
            taken = await gateway.post("/api/v1/gateway/meters", json=sent)

        assert taken.json() == {"sequence": 9}
        bill = (await owner.get(f"{ROOT}/bill")).json()
        quantities = {line["resource"]: line["quantity"] for line in bill["lines"]}
        assert (quantities["prediction"], quantities["bytes_out"]) == (45, 150)

    async def test_a_million_single_predictions_cost_what_a_million_costs(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        node: Node,
    ) -> None:
        route = await served(server, owner, node)
        steps = [1, 7, 10_000, 10_003, 999_999, 1_000_000]

        for sequence, count in enumerate(steps, start=1):
            sent = report(sequence, counter(route, requests=count, predictions=count))
            await gateway.post("/api/v1/gateway/meters", json=sent)

        bill = (await owner.get(f"{ROOT}/bill")).json()
        amounts = {line["resource"]: line["amount_micro"] for line in bill["lines"]}
        assert amounts["prediction"] == 100_000  # 0.10 of the currency

    async def test_an_endpoint_keeps_the_price_it_was_made_with(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        node: Node,
    ) -> None:
        route = await served(server, owner, node)

        await owner.put("/api/v1/prices/prediction", json={"micro": 10**6, "exponent": 0})
        await gateway.post(
            "/api/v1/gateway/meters", json=report(1, counter(route, predictions=1_000_000))
        )

        bill = (await owner.get(f"{ROOT}/bill")).json()
        assert {line["resource"]: line["amount_micro"] for line in bill["lines"]}[
            "prediction"
        ] == 100_000


class TestLineage:
    async def test_a_prediction_resolves_to_where_it_came_from(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        node: Node,
    ) -> None:
        route = await served(server, owner, node)
        prediction = Ids(SystemClock()).with_bits("prd", 7 << 58 | 3 << 32 | 0)
        record = {"id": prediction, "revision": route["revision"], "outcome": "ok"}
        segment = json.dumps(record).encode() + b"\n" + b'{"id": "prd_cut'

        for _ in range(2):
            kept = await gateway.put(
                f"/api/v1/gateway/segments/7/3?project={route['project']}&source={SOURCE}",
                content=segment,
            )
        steps = (await owner.get(f"{ROOT}/lineage/{prediction}")).json()["steps"]
        why = (await owner.get(f"{ROOT}/why/{prediction}")).json()

        assert kept.status_code == 200
        assert [s["noun"] for s in steps] == ["prediction", "revision", "model_version", "job"]
        assert steps[1]["created_by"] == "owner"
        assert steps[2]["evaluation"] == {"accuracy": 0.99}
        assert why["state"] == "answered"

    async def test_a_prediction_of_another_project_is_not_found(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        node: Node,
    ) -> None:
        route = await served(server, owner, node)
        other = (await owner.post("/api/v1/projects", json={"name": "other"})).json()
        prediction = Ids(SystemClock()).with_bits("prd", 7 << 58 | 3 << 32 | 0)
        await gateway.put(
            f"/api/v1/gateway/segments/7/3?project={route['project']}&source={SOURCE}",
            content=json.dumps({"id": prediction, "revision": route["revision"]}).encode(),
        )

        async with server.client(other["token"]) as stranger:
            answer = await stranger.get(f"/api/v1/projects/other/predictions/{prediction}")

        assert answer.status_code == 404

    @pytest.mark.parametrize(
        "identifier", ["prd_short", "nod_1", "x", "dsv_none", "job_none", "none@2", "none:1"]
    )
    async def test_an_id_that_leads_nowhere_is_an_error_that_names_it(
        self, owner: httpx.AsyncClient, identifier: str
    ) -> None:
        answer = await owner.get(f"{ROOT}/lineage/{identifier}")

        assert answer.status_code in {404, 422}
        assert identifier in answer.json()["error"]["message"]
