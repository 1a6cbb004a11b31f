"""Quotas over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from tests.integration.conftest import RunningServer

TERMS: dict[str, Any] = {
    "cohort": "lab",
    "limits": {"cpu_milli": {"nominal": 20_000, "borrowing": 100_000}},
    "reclaim": "any",
}


async def test_an_operator_sets_lists_and_removes(owner: httpx.AsyncClient) -> None:
    made = await owner.put("/api/v1/quotas/default", json=TERMS)
    again = await owner.put("/api/v1/quotas/default", json=TERMS | {"weight": 2})
    listed = await owner.get("/api/v1/quotas")
    removed = await owner.delete("/api/v1/quotas/default")
    twice = await owner.delete("/api/v1/quotas/default")

    assert made.status_code == again.status_code == 200, made.text
    assert again.json()["id"] == made.json()["id"]
    [shown] = listed.json()["items"]
    assert (shown["name"], shown["weight"], shown["reclaim"]) == ("default", 2, "any")
    assert shown["resources"] == [
        {
            "resource": "cpu_milli",
            "nominal": 20_000,
            "borrowing": 100_000,
            "lending": None,
            "used": 0,
            "borrowed": 0,
        }
    ]
    assert (removed.status_code, twice.status_code) == (204, 404)
    assert twice.json()["error"]["code"] == "quota_not_found"
    events = (await owner.get("/api/v1/projects/default/audit")).json()["items"]
    assert [e["action"] for e in events if e["noun"] == "quota"] == ["remove", "set", "set"]


async def test_what_can_not_be_meant_is_refused(owner: httpx.AsyncClient) -> None:
    wrong = await owner.put("/api/v1/quotas/default", json=TERMS | {"limits": {"cpus": {}}})
    nobody = await owner.put("/api/v1/quotas/nobody", json=TERMS)

    assert (wrong.status_code, nobody.status_code) == (422, 404)


async def test_others_see_the_quota_of_their_project_only(
    server: RunningServer, owner: httpx.AsyncClient
) -> None:
    made = await owner.post("/api/v1/projects", json={"name": "other"})
    await owner.put("/api/v1/quotas/default", json=TERMS)
    await owner.put("/api/v1/quotas/other", json=TERMS)

    async with server.client(made.json()["token"]) as other:
        seen = await other.get("/api/v1/quotas")

    assert [quota["name"] for quota in seen.json()["items"]] == ["other"]
    everything = (await owner.get("/api/v1/quotas")).json()["items"]
    assert [quota["name"] for quota in everything] == ["default", "other"]
