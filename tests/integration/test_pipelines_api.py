"""Deleted pipelines over HTTP."""

from __future__ import annotations

import httpx

from tests.integration.conftest import ROOT

PIPELINE = {"name": "load", "jobs": {"a": {"kind": "command", "command": ["true"]}}}


async def test_one_that_has_ended_is_deleted_and_comes_back_and_its_jobs_stay(
    owner: httpx.AsyncClient,
) -> None:
    made = (await owner.post(f"{ROOT}/pipelines", json=PIPELINE)).json()
    address = f"{ROOT}/pipelines/{made['id']}"

    early = await owner.delete(address)
    await owner.post(f"{address}/cancel")
    buried = await owner.delete(address)
    gone = await owner.get(address)
    jobs = (await owner.get(f"{ROOT}/jobs")).json()["items"]
    back = await owner.post(f"{ROOT}/deleted/{made['id']}/undelete")
    again = await owner.get(address)

    assert (early.status_code, early.json()["error"]["code"]) == (409, "still_used")
    assert "pileus pipeline cancel" in early.json()["error"]["hint"]
    assert (buried.json()["noun"], buried.json()["name"]) == ("pipeline", "load")
    assert gone.status_code == 404
    assert [job["status"] for job in jobs] == ["cancelled"]
    assert back.status_code == 200, back.text
    assert again.json()["id"] == made["id"]
