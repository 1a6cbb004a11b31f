"""What attempts use, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.conftest import ROOT, RunningServer
from tests.integration.test_jobs_api import Node, ended, running, submit

SAMPLE: dict[str, Any] = {
    "age_ms": 500,
    "cpu_milli": 950,
    "cpu_ms": 2000,
    "memory_mib": 104,
    "memory_peak_mib": 110,
    "disk_mib": None,
    "processes": 3,
}


@pytest.fixture
async def node(worker: httpx.AsyncClient) -> Node:
    made = Node(worker)
    await made.register()
    return made


async def start(owner: httpx.AsyncClient, server: RunningServer, node: Node) -> dict[str, Any]:
    """The order of a job that runs."""
    await submit(owner, name="lesson", resources={"cpu": 1, "memory_mib": 256})
    await server.engine.schedule()
    [order] = (await node.sync())["attempts"]
    await node.sync(running(order))
    found: dict[str, Any] = order
    return found


async def tell(node: Node, *samples: dict[str, Any], boot_id: str = "boot-1") -> httpx.Response:
    body = {"boot_id": boot_id, "samples": list(samples)}
    return await node.client.post(f"/api/v1/nodes/{node.id}/usage", json=body)


async def test_what_a_node_tells_is_shown_until_the_end(
    server: RunningServer, owner: httpx.AsyncClient, node: Node
) -> None:
    order = await start(owner, server, node)
    told = await tell(node, SAMPLE | {"attempt": order["id"]})

    found = (await owner.get(f"{ROOT}/top")).json()
    await node.sync(ended(order, exit={"schema": 1, "code": 0, "cpu_seconds": 3.5}))
    after = (await owner.get(f"{ROOT}/top")).json()
    kept = (await owner.get(f"{ROOT}/jobs/{order['job']}/usage")).json()

    assert told.status_code == 204, told.text
    [shown] = found["items"]
    assert (shown["job"], shown["name"], shown["state"]) == (order["job"], "lesson", "running")
    assert shown["used"]["memory_mib"] == 104
    assert shown["used"]["is_stale"] is False
    assert shown["cost_micro"] >= 0
    assert found["nodes"][0]["cpu_milli"] == {"used": 950, "asked": 1000, "total": 4000}
    assert after["items"] == []
    assert kept["items"][0]["used"]["cpu_ms"] == 3500


async def test_a_node_that_has_booted_since_is_not_believed(node: Node) -> None:
    told = await tell(node, boot_id="boot-2")

    assert (told.status_code, told.json()["error"]["code"]) == (404, "node_unknown")


async def test_amounts_that_cannot_be_are_refused(node: Node) -> None:
    told = await tell(node, SAMPLE | {"attempt": "att_1", "cpu_ms": -1})

    assert told.status_code == 422


async def test_another_project_does_not_see_it(
    server: RunningServer, owner: httpx.AsyncClient, node: Node
) -> None:
    order = await start(owner, server, node)
    await tell(node, SAMPLE | {"attempt": order["id"]})
    made = await owner.post("/api/v1/projects", json={"name": "other"})

    async with server.client(made.json()["token"]) as other:
        root = "/api/v1/projects/other"
        seen = await other.get(f"{root}/top")
        job = await other.get(f"{root}/jobs/{order['job']}/usage")

    assert seen.json()["items"] == []
    assert job.status_code == 404
