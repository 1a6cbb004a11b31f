"""Secrets over HTTP: people set and list them, an attempt alone is given their values."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from pileus.core.clock import SystemClock
from pileus.security.settings import SecuritySettings
from pileus.server.api.app import create_app
from pileus.server.settings import ServerSettings, Settings
from pileus.server.tables import TABLES
from pileus.server.wiring import assemble
from pileus.storage.databases.memory import MemoryDatabase
from tests.integration.conftest import ROOT, RunningServer
from tests.integration.test_jobs_api import Node, ended, job, new_id, node, running, submit

__all__ = ["node"]  # a fixture

VALUE = b"hunter2-correct-horse"
PATH = f"{ROOT}/secrets"


async def put(client: httpx.AsyncClient, name: str = "PW", value: bytes = VALUE) -> httpx.Response:
    return await client.put(f"{PATH}/{name}", content=value)


async def ordered(server: RunningServer, node: Node) -> dict[str, Any]:
    """The order of the one job that waits."""
    assert await server.engine.schedule() == 1
    order: dict[str, Any] = (await node.sync())["attempts"][0]
    return order


class TestPeople:
    async def test_set_list_and_remove(self, owner: httpx.AsyncClient) -> None:
        made, again = await put(owner), await put(owner, value=b"another one")
        listed = (await owner.get(PATH)).json()["items"]
        removed, twice = (await owner.delete(f"{PATH}/PW"), await owner.delete(f"{PATH}/PW"))

        assert made.status_code == 200, made.text
        assert [one.json()["version"] for one in (made, again)] == [1, 2]
        assert listed == [again.json()]
        assert set(listed[0]) == {"id", "name", "version", "created_at", "updated_at", "set_by"}
        assert (removed.status_code, twice.status_code) == (204, 404)
        assert twice.json()["error"]["code"] == "secret_not_found"
        events = (await owner.get(f"{ROOT}/audit")).json()["items"]
        assert [e["action"] for e in events if e["noun"] == "secret"] == ["remove", "set", "set"]
        (gone,) = (await owner.get(f"{ROOT}/deleted")).json()["items"]
        back = await owner.post(f"{ROOT}/deleted/{gone['id']}/undelete")
        assert (gone["noun"], gone["name"], back.status_code) == ("secret", "PW", 409)
        assert "went at once, and cannot be brought back" in back.json()["error"]["message"]

    @pytest.mark.parametrize(
        "name, value, code",
        [
            ("not-a-variable", VALUE, "invalid_secret_name"),
            ("PW", b"abc", "secret_refused"),
            ("PW", b"x" * 70_000, "secret_refused"),
        ],
    )
    async def test_what_cannot_be_kept_is_refused_and_not_quoted(
        self, owner: httpx.AsyncClient, name: str, value: bytes, code: str
    ) -> None:
        answer = await put(owner, name, value)

        assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
        assert value.decode() not in answer.text

    async def test_a_list_is_not_filtered_by_what_it_does_not_show(
        self, owner: httpx.AsyncClient
    ) -> None:
        await put(owner)

        answer = await owner.get(PATH, params={"filter": "sealed=x"})

        assert answer.json()["error"]["code"] == "filter_refused"

    async def test_without_encryption_it_is_refused_with_the_next_step(
        self, tmp_path: Path
    ) -> None:
        database = MemoryDatabase(TABLES)
        await database.start()
        settings = Settings(
            server=ServerSettings(home=tmp_path), security=SecuritySettings(encrypt_blobs=False)
        )
        services, _ = await assemble(settings, database, SystemClock())
        app = create_app(services, new_id, 1024 * 1024)
        token = await services.access.recover("default")
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://server",
            headers={"Authorization": f"Bearer {token}"},
        ) as client:
            answer = await put(client)
        await database.close()

        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (409, "encryption_off")
        assert "pileus.toml" in error["hint"]


class TestJobs:
    async def test_one_that_names_a_missing_secret_is_refused(
        self, owner: httpx.AsyncClient
    ) -> None:
        spec = {"kind": "command", "command": ["true"], "secrets": ["PW"]}

        answer = await owner.post(f"{ROOT}/jobs", json=spec)

        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (404, "secret_not_found")
        assert error["message"] == "Secret 'PW' not found"
        assert "pileus secret set PW" in error["hint"]

    async def test_an_attempt_is_given_what_its_job_names_while_it_holds_its_lease(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        await put(owner)
        await put(owner, "OTHER", b"not for this one")
        job_id = await submit(owner, secrets=["PW", {"name": "PW", "file": "pw.txt"}])
        order = await ordered(server, node)
        path = f"/api/v1/projects/{order['project']}/jobs/{job_id}/secrets"

        async with server.client(order["token"]) as attempt:
            given = await attempt.get(path)
            await node.sync(running(order))
            await node.sync(ended(order))
            late = await attempt.get(path)

        assert given.status_code == 200, given.text
        (one,) = given.json()["secrets"]
        assert (one["name"], base64.b64decode(one["base64"])) == ("PW", VALUE)
        assert late.status_code == 401
        events = (await owner.get(f"{ROOT}/audit")).json()["items"]
        (read,) = [event for event in events if event["action"] == "read"]
        assert (read["principal"], read["detail"]["name"]) == (order["id"], "PW")

    async def test_nobody_else_is_given_them(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        await put(owner)
        job_id = await submit(owner, secrets=["PW"])
        order = await ordered(server, node)
        other = await submit(owner, secrets=["PW"])
        path = f"{ROOT}/jobs/{job_id}/secrets"

        for token in (server.owner, server.worker, server.gateway, server.metrics):
            async with server.client(token) as client:
                assert (await client.get(path)).status_code in {401, 403}
        async with server.client(order["token"]) as attempt:
            found = f"/api/v1/projects/{order['project']}/jobs/{other}/secrets"
            assert (await attempt.get(found)).status_code == 403

    async def test_no_answer_has_the_value(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        await put(owner)
        job_id = await submit(owner, secrets=["PW"])
        orders = await ordered(server, node)

        answers = [
            await owner.get(path) for path in (PATH, f"{ROOT}/jobs/{job_id}", f"{ROOT}/audit")
        ]

        encoded = base64.b64encode(VALUE).decode()
        for text in (*(answer.text for answer in answers), str(orders)):
            assert VALUE.decode() not in text
            assert encoded not in text

    async def test_one_removed_while_the_job_waits_ends_it_with_the_reason(
        self, server: RunningServer, owner: httpx.AsyncClient, node: Node
    ) -> None:
        await put(owner)
        job_id = await submit(owner, secrets=["PW"])
        await owner.delete(f"{PATH}/PW")
        order = await ordered(server, node)
        path = f"/api/v1/projects/{order['project']}/jobs/{job_id}/secrets"
        async with server.client(order["token"]) as attempt:
            error = (await attempt.get(path)).json()["error"]

        exit_ = {"schema": 1, "code": None, "reason": "secret_missing", "message": error["message"]}
        await node.sync(ended(order, exit=exit_))

        found = await job(owner, job_id)
        assert (error["code"], found["status"]) == ("secret_not_found", "failed")
        assert found["reason"] == "Secret 'PW' not found"
        assert await server.engine.schedule() == 0


class TestDeletedProject:
    async def test_its_secrets_go_with_its_keys(
        self, server: RunningServer, owner: httpx.AsyncClient
    ) -> None:
        await put(owner)

        gone = await owner.post(f"{ROOT}/keys/shred", json={"confirm": "default"})

        assert gone.status_code == 200, gone.text
        assert (await owner.get(PATH)).json()["items"] == []
        assert (await put(owner)).json()["error"]["code"] == "project_shredded"
