"""A transform from its submit to a version with lineage, with an attempt run by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from pileus.data.load import open_version
from tests.integration.conftest import ROOT, RunningServer
from tests.integration.test_datasets_api import content, upload
from tests.integration.test_jobs_api import Node, ended, job, node, put_blob, running, submit
from tests.unit.data.build import csv_file, ingested, table_text
from tests.unit.data.clean.building import Job

__all__ = ["node"]
SUCCEEDED = {"schema": 1, "code": 0, "reason": "exited"}


@pytest.fixture
async def source(owner: httpx.AsyncClient, tmp_path: Path) -> Any:
    """Dataset `d` on the server, and the same version here."""
    (tmp_path / "s").mkdir()
    file = csv_file(tmp_path / "s" / "source.csv", table_text())
    prepared = ingested(file, tmp_path / "i", label="label")
    manifest = await upload(owner, prepared)
    await owner.post(f"{ROOT}/datasets/d/versions", json={"manifest": manifest})
    assert content(prepared.blobs[-1])
    return open_version(prepared.blobs[-1].path.parent)


async def carried_out(
    server: RunningServer, owner: httpx.AsyncClient, node: Node, source: Any, at: Path, **spec: Any
) -> str:
    """The id of a transform's job, which a node has run."""
    body = {"kind": "transform", "command": None, "dataset": "d"} | spec
    job_id = await submit(owner, **body)
    await server.engine.schedule()
    (order,) = (await node.sync())["attempts"]
    await node.sync(running(order))
    assert order["spec"]["recipe_entry"] == "pileus.data.clean.main"
    params = order["spec"]["params"]
    attempt = Job(at, source, params["transform"], dry_run=params["dry_run"])
    result = attempt.run()
    out = attempt.directory / "out"
    artifacts = [
        await put_blob(owner, path.read_bytes()) | {"path": path.relative_to(out).as_posix()}
        for path in sorted(out.rglob("*"))
        if path.is_file()
    ]
    exit_ = SUCCEEDED | {"code": 1 if result["status"] == "failed" else 0}
    await node.sync(ended(order, exit=exit_, result=result, artifacts=artifacts))
    return job_id


class TestTransform:
    async def test_its_version_leads_back_to_its_source(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        node: Node,
        source: Any,
        tmp_path: Path,
    ) -> None:
        transform = {"steps": [{"step": "normalise"}]}

        job_id = await carried_out(
            server, owner, node, source, tmp_path / "job", transform=transform
        )

        version = (await owner.get(f"{ROOT}/dataset-versions/d@2")).json()
        assert (version["job"], (await job(owner, job_id))["status"]) == (job_id, "succeeded")
        steps = (await owner.get(f"{ROOT}/lineage/{version['id']}")).json()["steps"]
        assert (await owner.get(f"{ROOT}/lineage/d@2")).json() == {
            "id": version["id"],
            "steps": steps,
        }
        assert [step["noun"] for step in steps] == ["dataset_version", "job", "dataset_version"]
        assert steps[0]["transform"]["steps"][0]["fitted"]["columns"].keys() == {"age", "weight"}
        assert (steps[1]["transform"], steps[2]["id"]) == (["normalise"], source.manifest.id)

    async def test_a_result_that_equals_its_source_ends_its_lineage(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        node: Node,
        source: Any,
        tmp_path: Path,
    ) -> None:
        transform = {"steps": [{"step": "drop_duplicates"}]}

        job_id = await carried_out(
            server, owner, node, source, tmp_path / "job", transform=transform, into="e"
        )

        version = (await owner.get(f"{ROOT}/dataset-versions/e")).json()
        assert (version["id"], version["job"]) == (source.manifest.id, job_id)
        for start, count in ((version["id"], 1), (job_id, 2)):
            found = (await owner.get(f"{ROOT}/lineage/{start}")).json()["steps"]
            assert len(found) == count

    async def test_a_violated_expectation_makes_none_and_says_why(
        self,
        server: RunningServer,
        owner: httpx.AsyncClient,
        node: Node,
        source: Any,
        tmp_path: Path,
    ) -> None:
        transform = {"expect": {"columns": {"age": {"max": 30}}}}

        job_id = await carried_out(
            server, owner, node, source, tmp_path / "job", transform=transform
        )

        why = (await owner.get(f"{ROOT}/why/{job_id}")).json()
        versions = (await owner.get(f"{ROOT}/datasets/d/versions")).json()["items"]
        failing = await owner.get(f"{ROOT}/jobs/{job_id}/artifacts/failing.csv")
        assert (why["state"], len(versions)) == ("failed", 1)
        assert "'age' is at most 30: fails for 9 rows, first row" in why["reason"]
        assert failing.text.count("'age' is at most 30") == 9

    async def test_what_cannot_go_well_is_refused_at_once(
        self, owner: httpx.AsyncClient, source: Any
    ) -> None:
        assert source.manifest.kind == "table"
        for spec, said in (
            ({"transform": {"steps": [{"step": "grey"}]}}, "holds table, and the transform is for"),
            ({"transform": {}, "into": "dsv_x"}, "taken for a version"),
            ({"transform": {"steps": [{"step": "resize"}]}}, "transform.steps.0.resize.width"),
            ({"transform": {}, "dataset": "nope"}, "'nope' not found"),
        ):
            body = {"kind": "transform", "dataset": "d"} | spec
            answer = await owner.post(f"{ROOT}/jobs", json=body)
            assert answer.status_code in {404, 409, 422}, answer.text
            assert said in answer.json()["error"]["message"]
