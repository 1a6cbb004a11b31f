"""What one project may see of another: nothing. And what strange requests get: an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from pileus.core.schemas.tenancy import Role
from tests.integration.conftest import ROOT, RunningServer
from tests.integration.test_jobs_api import Node, ended, node, put_blob, running, submit

__all__ = ["node"]

OTHER = "/api/v1/projects/other"


@pytest.fixture
async def stranger(
    server: RunningServer, owner: httpx.AsyncClient
) -> AsyncIterator[httpx.AsyncClient]:
    made = (await owner.post("/api/v1/projects", json={"name": "other"})).json()
    async with server.client(made["token"]) as client:
        yield client


class TestOtherProjects:
    async def test_a_job_and_all_it_left_is_not_found(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        stranger: httpx.AsyncClient,
        node: Node,
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        await node.sync(running(order))
        stream = f"/api/v1/attempts/{order['id']}/streams/stdout?offset=0"
        await node.client.put(stream, content=b"secret")
        artifact = await put_blob(owner, b"weights")
        await node.sync(ended(order, artifacts=[{"path": "w", **artifact}]))

        paths = ["", "/logs", "/metrics", "/metrics/x", "/artifacts", "/artifacts/w", "/attempts"]
        answers = [await stranger.get(f"{OTHER}/jobs/{job_id}{path}") for path in paths]
        answers += [
            await stranger.post(f"{OTHER}/jobs/{job_id}/cancel"),
            await stranger.get(f"{OTHER}/why/{job_id}"),
            await stranger.get(f"{OTHER}/lineage/{job_id}"),
            await stranger.get(f"{OTHER}/blobs/{artifact['digest']}"),
        ]
        why = await stranger.get(f"{OTHER}/why/{order['id']}")

        assert {answer.status_code for answer in answers} == {404}
        assert why.status_code == 422
        for path in ("jobs", "ledger", "tokens"):
            items = (await stranger.get(f"{OTHER}/{path}")).json()["items"]
            assert all(item["project"] != order["project"] for item in items), path
        assert (await stranger.get(f"{OTHER}/bill")).json()["total_micro"] == 0

    async def test_a_filter_cannot_widen_a_list(
        self, owner: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        await submit(owner)
        project = (await owner.get("/api/v1/me")).json()["project"]

        found = await stranger.get(f"{OTHER}/jobs?filter=project={project}")

        assert found.json() == {"items": [], "next": None}

    async def test_an_idempotency_key_of_another_project_is_free(
        self, owner: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        body, headers = {"kind": "command", "command": ["x"]}, {"Idempotency-Key": "k"}

        mine = await owner.post(f"{ROOT}/jobs", json=body, headers=headers)
        theirs = await stranger.post(f"{OTHER}/jobs", json=body, headers=headers)

        assert mine.json()["id"] != theirs.json()["id"]

    async def test_only_its_own_project_is_listed(self, stranger: httpx.AsyncClient) -> None:
        listed = (await stranger.get("/api/v1/projects")).json()

        assert [project["name"] for project in listed["items"]] == ["other"]

    async def test_an_operator_pages_through_projects(
        self, owner: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        first = (await owner.get("/api/v1/projects?limit=1")).json()
        rest = (await owner.get(f"/api/v1/projects?cursor={first['next']}")).json()

        assert len(first["items"]) == len(rest["items"]) == 1

    async def test_nodes_tell_what_they_have_and_no_more(
        self, stranger: httpx.AsyncClient, node: Node
    ) -> None:
        [found] = (await stranger.get("/api/v1/nodes")).json()["items"]

        assert set(found) == {
            *("id", "name", "capacity", "seen_at", "is_answering"),
            *("version", "clock_skew_seconds"),
        }


class TestAttemptTokens:
    async def test_it_opens_its_own_job_until_the_end(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id, another = await submit(owner), await submit(owner)
        await server.engine.schedule()
        orders = (await node.sync())["attempts"]
        order = next(order for order in orders if order["job"] == job_id)
        root = f"/api/v1/projects/{order['project']}/jobs"

        async with server.client(order["token"]) as attempt:
            own = await attempt.get(f"{root}/{job_id}")
            other = await attempt.get(f"{root}/{another}")
            everything = await attempt.get(root)
            stop = await attempt.post(f"{root}/{job_id}/cancel")
            await node.sync(*[ended(o) if o is order else running(o) for o in orders])
            after = await attempt.get(f"{root}/{job_id}")

        statuses = [a.status_code for a in (own, other, everything, stop, after)]
        assert statuses == [200, 403, 403, 403, 401]


class TestRoles:
    async def test_an_admin_cannot_become_an_operator(self, server: RunningServer) -> None:
        token = await server.member("ada", Role.ADMIN.value)

        async with server.client(token) as admin:
            taken = await admin.post(f"{ROOT}/tokens", json={"principal": "owner"})
            disabled = await admin.patch(f"{ROOT}/principals/owner", json={"disabled": True})

        assert (taken.status_code, disabled.status_code) == (403, 403)


class TestStrangeRequests:
    @pytest.mark.parametrize(
        "path",
        [
            "/jobs/%00",
            "/jobs/job_x/logs?offset=99999999999999999999999999",
            "/jobs?filter=priority=99999999999999999999",
            "/jobs?cursor=%00",
            "/audit?cursor=x",
            "/models/a/versions/99999999999999999999",
            "/dataset-versions/a@99999999999999999999",
            "/lineage/%2e%2e%2f",
            "/predictions/prd_x",
            "/bill?since=2026-01-01T00:00:00",
        ],
    )
    async def test_a_value_that_cannot_be_is_the_callers_mistake(
        self, owner: httpx.AsyncClient, path: str
    ) -> None:
        answer = await owner.get(f"{ROOT}{path}")

        assert answer.status_code in {404, 422}, answer.text
        assert answer.json()["error"]["message"]

    @pytest.mark.parametrize(
        "body",
        [
            b'{"kind": "command", "command": ["a\\u0000"]}',
            b'{"kind": "command", "command": ["x"], "env": {"A": "\\ud800"}}',
            b'{"kind": "command", "command": ["x"], "priority": 1e400}',
            b'{"kind": "command", "command": ["x"], "resources": {"memory_mib": 9e30}}',
            b'{"kind": "command", "command": ["x"], "resources": {"cpu": NaN}}',
            b'{"kind": "command"',
            b"[" * 1000,
            b"\xff",
            b"",
        ],
    )
    async def test_a_job_that_cannot_run_is_refused(
        self, owner: httpx.AsyncClient, body: bytes
    ) -> None:
        answer = await owner.post(
            f"{ROOT}/jobs", content=body, headers={"content-type": "application/json"}
        )

        assert answer.status_code == 422, answer.text
        assert (await owner.get(f"{ROOT}/jobs")).json()["items"] == []

    async def test_a_path_that_is_none_is_told_in_the_same_form(
        self, owner: httpx.AsyncClient
    ) -> None:
        for method, path in (("GET", "/nope"), ("OPTIONS", f"{ROOT}/jobs"), ("PUT", "/api/v1/me")):
            answer = await owner.request(method, path)

            assert answer.status_code in {404, 405}
            assert answer.json()["error"]["code"] == "no_route"

    async def test_a_metric_may_have_slashes_in_its_name(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        line = b'{"name": "val/loss", "value": 1, "step": 0, "time": "2026-01-01T00:00:00Z"}\n'
        await node.client.put(
            f"/api/v1/attempts/{order['id']}/streams/metrics?offset=0", content=line
        )

        found = await owner.get(f"{ROOT}/jobs/{job_id}/metrics/val%2Floss")

        assert found.json() == {"points": [[0, 1.0, "2026-01-01T00:00:00Z"]], "count": 1}

    async def test_an_artifact_whose_bytes_are_gone_is_not_found(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        artifact = {"path": "w", "digest": "0" * 64, "size": 3}
        await node.sync(ended(order, artifacts=[artifact]))

        found = await owner.get(f"{ROOT}/jobs/{job_id}/artifacts/w")
        outside = await owner.get(f"{ROOT}/jobs/{job_id}/artifacts/..%2f..%2fetc/passwd")

        assert found.json()["error"]["code"] == "blob_not_found"
        assert outside.json()["error"]["code"] == "artifact_not_found"

    async def test_the_description_of_the_api_is_complete_and_loads_nothing_from_elsewhere(
        self, owner: httpx.AsyncClient
    ) -> None:
        described = (await owner.get("/openapi.json")).json()

        assert f"{ROOT.replace('default', '{project}')}/jobs" in described["paths"]
        assert (await owner.get("/docs")).status_code == 404
