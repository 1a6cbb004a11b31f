"""Schedules over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

PATH = "/api/v1/projects/default/schedules"
PIPELINE = {"name": "load", "jobs": {"a": {"kind": "command", "command": ["true"]}}}
TERMS: dict[str, Any] = {"cron": "30 2 * * *", "time_zone": "Europe/Berlin", "pipeline": PIPELINE}


async def test_made_shown_changed_run_and_deleted(owner: httpx.AsyncClient) -> None:
    checked = await owner.post(f"{PATH}/check", json=TERMS)
    made = await owner.post(PATH, json=TERMS | {"name": "nightly"})
    ran = await owner.post(f"{PATH}/nightly/run")
    paused = await owner.patch(f"{PATH}/nightly", json={"is_paused": True})
    shown = await owner.get(f"{PATH}/nightly")
    listed = await owner.get(PATH)
    deleted = await owner.delete(f"{PATH}/nightly")
    gone = await owner.get(f"{PATH}/nightly")

    assert [made.status_code, ran.status_code] == [201, 201], made.text + ran.text
    assert len(checked.json()["times"]) == 5
    assert checked.json()["jobs"] == ["a"]
    assert made.json()["due_at"] is not None
    assert paused.json()["due_at"] is None
    assert shown.json()["times"] == []
    assert [one["id"] for one in shown.json()["pipelines"]] == [ran.json()["id"]]
    assert [one["name"] for one in listed.json()["items"]] == ["nightly"]
    assert deleted.json()["noun"] == "schedule"
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "schedule_not_found")
    events = (await owner.get("/api/v1/projects/default/audit")).json()["items"]
    actions = [event["action"] for event in events if event["noun"] == "schedule"]
    assert actions == ["delete", "change", "create"]


async def test_one_that_is_deleted_comes_back(owner: httpx.AsyncClient) -> None:
    made = await owner.post(PATH, json=TERMS | {"name": "nightly"})
    await owner.delete(f"{PATH}/nightly")

    back = await owner.post(f"/api/v1/projects/default/deleted/{made.json()['id']}/undelete")
    shown = await owner.get(f"{PATH}/nightly")

    assert back.status_code == 200, back.text
    assert shown.json()["schedule"]["due_at"] == made.json()["due_at"]


async def test_what_can_not_be_meant_is_refused(owner: httpx.AsyncClient) -> None:
    wrong = [
        ({"cron": "61 * * * *"}, "schedule_refused", "bad minute"),
        ({"time_zone": "Mars/Olympus"}, "schedule_refused", "Mars/Olympus"),
        ({"catch_up": "some"}, "bad_body", "catch_up"),
    ]
    for change, code, words in wrong:
        answer = await owner.post(PATH, json=TERMS | {"name": "nightly"} | change)
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["code"] == code
        assert words in answer.text

    assert (await owner.get(PATH)).json()["items"] == []
