"""What may become a model version."""

from __future__ import annotations

import json

import pytest

from pileus.core.schemas.jobs import Artifact
from pileus.registry.errors import RegistrationRefused
from pileus.registry.models import draft_of
from pileus.storage.blobs.disk import DiskBlobStore

SOUND = {
    "bundle/bundle.json": b"{}",
    "bundle/model.onnx": b"graph",
    "evaluation.json": b'{"accuracy": 1}',
    "parity.json": b'{"passed": true}',
}


@pytest.fixture
async def blobs(tmp_path):
    found = DiskBlobStore(tmp_path)
    await found.start()
    return found


async def artifacts(blobs, files):
    return [
        Artifact(path=path, digest=await blobs.put_bytes("prj_1", data), size=len(data))
        for path, data in files.items()
    ]


class TestDraftOf:
    async def test_the_bundle_is_what_lies_in_its_folder(self, blobs):
        draft = await draft_of(blobs, "prj_1", await artifacts(blobs, SOUND))

        assert [file.path for file in draft.bundle] == ["bundle.json", "model.onnx"]
        assert draft.evaluation == {"accuracy": 1}

    @pytest.mark.parametrize(
        "path,data,said",
        [
            ("parity.json", b'{"passed": false, "max_abs_diff": 0.5}', "0.5"),
            ("parity.json", b'{"passed": 1}', "does not answer"),
            ("parity.json", b"[]", "not a JSON object"),
            ("evaluation.json", b"{cut", "not JSON"),
            ("evaluation.json", b"\xff", "not JSON"),
            ("evaluation.json", b"[" * 200_000, "not JSON"),
        ],
    )
    async def test_a_wrong_document_is_refused_with_what_is_wrong(self, blobs, path, data, said):
        found = await artifacts(blobs, SOUND | {path: data})

        with pytest.raises(RegistrationRefused, match=said):
            await draft_of(blobs, "prj_1", found)

    @pytest.mark.parametrize("path", list(SOUND))
    async def test_a_file_that_was_not_stored_is_refused(self, blobs, path):
        found = await artifacts(blobs, SOUND)
        broken = [a.model_copy(update={"digest": "0" * 64}) if a.path == path else a for a in found]

        with pytest.raises(RegistrationRefused, match=path):
            await draft_of(blobs, "prj_1", broken)

    async def test_only_a_bundle_makes_a_model(self, blobs):
        with pytest.raises(RegistrationRefused, match=r"bundle\.json"):
            await draft_of(blobs, "prj_1", [])

    def test_documents_are_json(self):
        assert all(json.loads(SOUND[path]) for path in ("evaluation.json", "parity.json"))
