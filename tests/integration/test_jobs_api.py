"""A job from submit to its end, with a worker that speaks the real link."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from pileus.core.clock import SystemClock
from pileus.core.ids import Ids
from pileus.core.stamps import RECORD
from tests.integration.conftest import ROOT, RunningServer

CAPACITY = {"cpu_milli": 4000, "memory_mib": 8192, "devices": [], "custom": {}}
new_id = Ids(SystemClock()).new


@dataclass
class Node:
    """The worker's end of the link, spoken by hand."""

    client: httpx.AsyncClient
    name: str = "n1"
    boot_id: str = "boot-1"
    id: str = ""
    seen: int = 0
    holding: list[dict[str, Any]] = field(default_factory=list)

    async def register(self, *holding: str) -> None:
        answer = await self.client.post(
            "/api/v1/nodes/register",
            json={
                "name": self.name,
                "boot_id": self.boot_id,
                "capacity": CAPACITY,
                "pid": 1,
                "version": "0",
                "holding": list(holding),
            },
        )
        self.id = answer.json()["node"]

    async def sync(self, *reports: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.post(
            f"/api/v1/nodes/{self.id}/sync",
            json={"boot_id": self.boot_id, "seen": self.seen, "attempts": list(reports)},
        )
        assert answer.status_code == 200, answer.text
        orders: dict[str, Any] = answer.json()
        self.seen = orders["version"]
        return orders


def running(order: dict[str, Any]) -> dict[str, Any]:
    return {"id": order["id"], "lease_token": order["lease_token"], "state": "running"}


def ended(order: dict[str, Any], **more: Any) -> dict[str, Any]:
    report = {
        "exit": {"schema": 1, "code": 0, "reason": "exited"},
        "result": None,
        "artifacts": [],
    } | more
    return running(order) | {"state": "ended"} | report


@pytest.fixture
async def node(worker: httpx.AsyncClient) -> Node:
    made = Node(worker)
    await made.register()
    return made


async def submit(owner: httpx.AsyncClient, **spec: Any) -> str:
    body = {"kind": "command", "command": ["true"]} | spec
    answer = await owner.post(f"{ROOT}/jobs", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def job(owner: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await owner.get(f"{ROOT}/jobs/{job_id}")).json()
    return found


async def put_blob(owner: httpx.AsyncClient, data: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    answer = await owner.put(f"{ROOT}/blobs/{digest}", content=data)
    assert answer.status_code == 200, answer.text
    return {"digest": digest, "size": len(data)}


class TestStory:
    async def test_from_submit_to_success_and_a_bill(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        assert (await job(owner, job_id))["status"] == "queued"

        assert await server.engine.schedule() == 1
        order = (await node.sync())["attempts"][0]
        assert (order["desired"], order["spec"]["command"]) == ("run", ["true"])
        await node.sync(running(order))
        assert (await job(owner, job_id))["status"] == "running"
        orders = await node.sync(ended(order))

        assert orders["forget"] == [order["id"]]
        assert (await job(owner, job_id))["status"] == "succeeded"
        bill = (await owner.get(f"{ROOT}/bill")).json()
        entries = (await owner.get(f"{ROOT}/ledger")).json()["items"]
        assert {line["resource"] for line in bill["lines"]} <= {"cpu", "memory"}
        assert bill["total_micro"] == sum(entry["amount_micro"] for entry in entries)

    async def test_an_estimate_says_where_it_would_start_and_submits_nothing(
        self, owner: httpx.AsyncClient, node: Node
    ) -> None:
        spec = {"kind": "command", "command": ["true"], "timeout_seconds": 10}

        answer = await owner.post(f"{ROOT}/jobs/estimate", json=spec)

        assert answer.status_code == 200, answer.text
        assert (answer.json()["node"], answer.json()["reason"]) == (node.name, None)
        assert 0 < answer.json()["most_micro"] < answer.json()["micro_per_hour"]
        assert (await owner.get(f"{ROOT}/jobs")).json()["items"] == []

    async def test_reporting_an_end_twice_changes_nothing(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]

        await node.sync(ended(order))
        before = (await owner.get(f"{ROOT}/ledger")).json()
        await node.sync(ended(order))

        assert (await owner.get(f"{ROOT}/ledger")).json() == before

    async def test_a_failure_says_why(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]

        await node.sync(ended(order, exit={"code": 3, "reason": "exited"}))

        why = (await owner.get(f"{ROOT}/why/{job_id}")).json()
        assert (why["state"], why["reason"]) == ("failed", "Exited with code 3")
        assert job_id in why["hint"]

    async def test_logs_metrics_and_artifacts_can_be_read_while_it_runs_and_after(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        await node.sync(running(order))
        attempt = f"/api/v1/attempts/{order['id']}/streams"
        point = {"name": "loss", "value": 0.5, "step": 1, "time": "2026-01-01T00:00:00Z"}
        line = json.dumps(point).encode() + b"\n"

        for _ in range(2):  # the second time nothing is new
            await node.client.put(f"{attempt}/stdout?offset=0", content=b"hello\n")
            await node.client.put(f"{attempt}/metrics?offset=0", content=line + b'{"na')
        live = await owner.get(f"{ROOT}/jobs/{job_id}/logs")
        artifact = await put_blob(owner, b"weights")
        await node.sync(ended(order, artifacts=[{"path": "w.bin", **artifact}]))
        sealed = await owner.get(f"{ROOT}/jobs/{job_id}/logs")

        assert (live.content, live.headers["pileus-final"]) == (b"hello\n", "false")
        assert (sealed.content, sealed.headers["pileus-final"]) == (b"hello\n", "true")
        metrics = (await owner.get(f"{ROOT}/jobs/{job_id}/metrics")).json()["items"]
        assert [(m["name"], m["last"], m["count"]) for m in metrics] == [("loss", 0.5, 1)]
        points = (await owner.get(f"{ROOT}/jobs/{job_id}/metrics/loss")).json()["points"]
        assert points == [[1, 0.5, "2026-01-01T00:00:00Z"]]
        csv = await owner.get(f"{ROOT}/jobs/{job_id}/points/loss")
        assert csv.text == "step,value,time\n1,0.5,2026-01-01T00:00:00Z\n"
        assert (await owner.get(f"{ROOT}/jobs/{job_id}/artifacts/w.bin")).content == b"weights"

    async def test_lines_of_a_log_are_found_by_a_plain_text(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        lines = f"{ROOT}/jobs/{job_id}/logs/lines"
        none = await owner.get(lines)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        await node.sync(running(order))
        stream = f"/api/v1/attempts/{order['id']}/streams/stdout?offset=0"
        await node.client.put(stream, content=b"loss 1\naccuracy 2\nloss 3\n")

        found = await owner.get(lines, params={"grep": "loss"})
        last = await owner.get(lines, params={"grep": "loss", "tail": 1})
        refused = await owner.get(lines, params={"stream": "stdin"})

        assert (none.content, found.content) == (b"", b"loss 1\nloss 3\n")
        assert last.content == b"loss 3\n"
        assert refused.status_code == 422

    async def test_a_log_may_be_larger_than_what_is_held_of_a_request(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        await node.sync(running(order))
        streams = f"/api/v1/attempts/{order['id']}/streams"

        async def parts() -> AsyncIterator[bytes]:
            for number in range(30):
                yield f"{number}\n".encode() * 50_000

        whole = b"".join([part async for part in parts()])
        appended = await node.client.put(f"{streams}/stdout?offset=0", content=parts())
        points = await node.client.put(f"{streams}/metrics?offset=0", content=parts())
        lines = await owner.get(f"{ROOT}/jobs/{job_id}/logs/lines")

        assert appended.json() == {"offset": len(whole)}
        assert lines.content == whole
        assert points.status_code == 413

    async def test_lines_of_a_log_have_their_times(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        await node.sync(running(order))
        streams = f"/api/v1/attempts/{order['id']}/streams"
        records = RECORD.pack(4, 1_000_000) + RECORD.pack(8, 2_500_000)
        await node.client.put(f"{streams}/stdout?offset=0", content=b"one\ntwo\n")
        await node.client.put(f"{streams}/stdout.times?offset=0", content=records)
        since = {"since": "1970-01-01T00:00:02Z"}

        logs = f"{ROOT}/jobs/{job_id}/logs"
        shown = await owner.get(f"{logs}/lines", params={"timestamps": True})
        found = await owner.get(f"{logs}/lines", params={**since, "timestamps": True, "grep": "1"})
        late = await owner.get(f"{logs}/lines", params=since)
        early = await owner.get(f"{logs}/lines", params={"until": "1970-01-01T00:00:02Z"})
        followed = await owner.get(logs, params=since)
        refused = await owner.get(f"{logs}/lines", params={"since": "1970-01-01T00:00:02"})

        assert shown.text == "1970-01-01T00:00:01.000Z one\n1970-01-01T00:00:02.500Z two\n"
        assert (found.text, late.text, early.text) == ("", "two\n", "one\n")
        assert (followed.text, followed.headers["pileus-next-offset"]) == ("two\n", "8")
        assert refused.status_code == 422


class TestLoss:
    async def test_a_registered_node_that_no_longer_holds_an_attempt_has_lost_it(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        await node.sync(running(order))

        await node.register()

        found = await job(owner, job_id)
        assert (found["status"], found["failures"]) == ("queued", 1)
        assert found["not_before"] is not None

    async def test_a_worker_that_restarts_keeps_what_it_holds(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        await node.sync(running(order))

        await node.register(order["id"])
        await node.sync(running(order))

        assert (await job(owner, job_id))["attempts"] == 1

    async def test_after_a_boot_nothing_of_before_runs(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        await node.sync(running(order))

        node.boot_id = "boot-2"
        await node.register(order["id"])

        assert (await job(owner, job_id))["status"] == "queued"

    async def test_a_report_with_another_lease_token_is_not_believed(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]

        orders = await node.sync(ended(order | {"lease_token": "old"}))

        assert (await job(owner, job_id))["status"] == "running"
        assert orders["forget"] == [order["id"]]

    async def test_the_last_checkpoint_is_an_input_of_the_next_attempt(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        await submit(owner, max_attempts=3)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        saved = {"path": "checkpoint/state.pt", **await put_blob(owner, b"state")}
        await owner.post("/api/v1/drain")

        await node.sync(ended(order, exit={"code": 0, "reason": "preempt"}, artifacts=[saved]))
        await server.services.jobs.undrain()
        assert await server.engine.schedule() == 1
        inputs = (await node.sync())["attempts"][0]["spec"]["inputs"]

        assert [(i["name"], [f["path"] for f in i["files"]]) for i in inputs] == [
            ("checkpoint", ["state.pt"])
        ]


class TestCancel:
    async def test_a_waiting_job_is_cancelled_at_once(self, owner: httpx.AsyncClient) -> None:
        job_id = await submit(owner)

        answer = await owner.post(f"{ROOT}/jobs/{job_id}/cancel")

        assert answer.json()["status"] == "cancelled"
        assert (await owner.post(f"{ROOT}/jobs/{job_id}/cancel")).status_code == 200

    async def test_a_running_job_is_stopped_by_its_node(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]

        await owner.post(f"{ROOT}/jobs/{job_id}/cancel")
        orders = await node.sync(running(order))
        await node.sync(ended(order, exit={"signal": 15, "reason": "cancel"}))

        assert (orders["attempts"][0]["desired"], orders["attempts"][0]["stop_reason"]) == (
            "stop",
            "cancel",
        )
        assert (await job(owner, job_id))["status"] == "cancelled"

    async def test_an_ended_job_cannot_be_cancelled(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        job_id = await submit(owner)
        await server.engine.schedule()
        order = (await node.sync())["attempts"][0]
        await node.sync(ended(order))

        answer = await owner.post(f"{ROOT}/jobs/{job_id}/cancel")

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "job_ended")


class TestRequests:
    async def test_the_same_key_makes_one_job(self, owner: httpx.AsyncClient) -> None:
        body = {"kind": "command", "command": ["true"]}
        headers = {"Idempotency-Key": "k1"}

        first = await owner.post(f"{ROOT}/jobs", json=body, headers=headers)
        second = await owner.post(f"{ROOT}/jobs", json=body, headers=headers)
        other = await owner.post(
            f"{ROOT}/jobs", json=body | {"command": ["false"]}, headers=headers
        )

        assert first.json()["id"] == second.json()["id"]
        assert other.json()["error"]["code"] == "idempotency_key_reused"

    @pytest.mark.parametrize(
        "body,said",
        [
            ({"kind": "train", "recipe": "cnn", "dataset": "nope"}, "'nope' not found"),
            ({"kind": "train", "recipe": "cnnn", "dataset": "x"}, "cnnn"),
            ({"kind": "command"}, "needs 'command'"),
            ({"kind": "command", "command": ["x"], "resources": {"cpu": 0}}, "resources.cpu"),
            ({"kind": "command", "command": ["x"], "cpus": 2}, "cpus"),
        ],
    )
    async def test_a_spec_that_cannot_run_is_refused_with_the_value(
        self, owner: httpx.AsyncClient, body: dict[str, Any], said: str
    ) -> None:
        answer = await owner.post(f"{ROOT}/jobs", json=body)

        assert answer.status_code in {404, 422}
        assert said in answer.json()["error"]["message"]
        assert answer.json()["error"]["request_id"] == answer.headers["pileus-request-id"]

    async def test_a_list_is_paged_and_filtered(self, owner: httpx.AsyncClient) -> None:
        made = [await submit(owner, name=f"j{i}") for i in range(5)]

        first = (await owner.get(f"{ROOT}/jobs?limit=3")).json()
        rest = (await owner.get(f"{ROOT}/jobs?limit=3&cursor={first['next']}")).json()
        named = (await owner.get(f"{ROOT}/jobs?filter=name=j2,status=queued")).json()
        wrong = await owner.get(f"{ROOT}/jobs?filter=colour=red")

        # Ids of one millisecond sort by chance.
        assert [j["id"] for j in first["items"] + rest["items"]] == sorted(made, reverse=True)
        assert rest["next"] is None
        assert [j["id"] for j in named["items"]] == [made[2]]
        assert wrong.json()["error"]["code"] == "filter_refused"
