"""What the server tells Prometheus, and what a request leaves behind under its id."""

from __future__ import annotations

import httpx

from pileus.server import figures
from tests.integration.conftest import ROOT, RunningServer

JOB = {"kind": "command", "command": ["true"]}


class TestMetrics:
    async def test_requests_jobs_and_the_database_are_counted(
        self, server: RunningServer, owner: httpx.AsyncClient
    ) -> None:
        await owner.post(f"{ROOT}/jobs", json=JOB)
        await owner.get(f"{ROOT}/jobs/job_nothing")
        await owner.get("/no/such/path")

        async with server.client(server.metrics) as client:
            answer = await client.get("/metrics")

        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        lines = answer.text.splitlines()
        route = "/projects/{project}/jobs"
        count = "pileus_server_requests_total"
        assert f'{count}{{method="POST",route="{route}",status="201"}} 1.0' in lines
        assert f'{count}{{method="GET",route="{route}/{{job_id}}",status="404"}} 1.0' in lines
        assert f'{count}{{method="GET",route="unknown",status="404"}} 1.0' in lines
        assert 'pileus_jobs{status="queued"} 1.0' in lines
        assert not [line for line in lines if "job_nothing" in line or "/no/such" in line]
        for family in figures.FAMILIES:
            assert f"# TYPE {family.name} {family.kind}" in lines

    async def test_an_operator_may_read_them_and_the_scrape_token_nothing_else(
        self, server: RunningServer, owner: httpx.AsyncClient
    ) -> None:
        assert (await owner.get("/metrics")).status_code == 200
        async with server.client(await server.member("ada", "admin")) as client:
            assert (await client.get("/metrics")).status_code == 403
        async with server.client(server.metrics) as client:
            assert (await client.get("/api/v1/me")).status_code == 401


class TestRequestId:
    async def test_is_on_the_job_and_on_the_audit_event(self, owner: httpx.AsyncClient) -> None:
        headers = {"X-Request-Id": "req_mine"}

        made = await owner.post(f"{ROOT}/jobs", json=JOB, headers=headers)

        assert made.json()["request_id"] == "req_mine"
        assert made.headers["x-request-id"] == "req_mine"
        [event, *_] = (await owner.get(f"{ROOT}/audit")).json()["items"]
        assert (event["subject"], event["detail"]["request"]) == (made.json()["id"], "req_mine")

    async def test_reaches_the_node_with_the_orders(
        self, server: RunningServer, owner: httpx.AsyncClient, worker: httpx.AsyncClient
    ) -> None:
        node = await worker.post(
            "/api/v1/nodes/register",
            json={
                "name": "one",
                "boot_id": "b",
                "capacity": {"cpu_milli": 4000, "memory_mib": 4096},
                "pid": 1,
                "version": "0",
            },
        )
        await owner.post(f"{ROOT}/jobs", json=JOB, headers={"X-Request-Id": "req_mine"})
        await server.engine.schedule()

        path = f"/api/v1/nodes/{node.json()['node']}/sync"
        orders = (await worker.post(path, json={"boot_id": "b"})).json()

        assert [one["spec"]["request_id"] for one in orders["attempts"]] == ["req_mine"]
