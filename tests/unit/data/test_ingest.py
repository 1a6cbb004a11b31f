import hashlib
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pileus.data.errors import LabelRefused, ScratchUnusable, SplitRefused
from pileus.data.ingest import prepare
from pileus.data.manifest import read_manifest
from pileus.data.profile import document
from pileus.data.progress import Progress
from tests.unit.data.build import class_folder, csv_file, idx, ingested, png, table_text


class TestPrepare:
    def test_a_profile_that_would_be_too_large_is_left_out_and_said(self, tmp_path, monkeypatch):
        monkeypatch.setattr(document, "MAX_BYTES", 100)

        prepared = ingested(class_folder(tmp_path / "in", {"a": 3, "b": 3}), tmp_path / "out")

        assert prepared.profile is None
        assert any("gets no profile" in notice for notice in prepared.notices)
        assert prepared.blobs[-1].digest == prepared.manifest_digest

    def test_blobs_have_the_digests_that_name_them(self, tmp_path):
        prepared = ingested(class_folder(tmp_path / "in", {"a": 3, "b": 3}), tmp_path / "out")

        for blob in prepared.blobs:
            assert hashlib.sha256(blob.path.read_bytes()).hexdigest() == blob.digest
            assert blob.path.stat().st_size == blob.size

    def test_the_last_blob_is_the_manifest(self, tmp_path):
        prepared = ingested(class_folder(tmp_path / "in", {"a": 3, "b": 3}), tmp_path / "out")

        assert prepared.blobs[-1].digest == prepared.manifest_digest
        assert read_manifest(prepared.blobs[-1].path.read_bytes()) == prepared.manifest

    def test_a_copy_elsewhere_with_other_times_is_the_same_version(self, tmp_path):
        source = class_folder(tmp_path / "in", {"b": 3, "a": 3})
        copy = tmp_path / "elsewhere" / "in"
        for path in sorted(source.rglob("*.png"), reverse=True):
            target = copy / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            os.utime(target, (1, 1))

        first = ingested(source, tmp_path / "out")
        second = ingested(copy, tmp_path / "out")

        assert second.manifest.id == first.manifest.id
        assert second.manifest_digest == first.manifest_digest

    @settings(
        max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(order=st.permutations(range(8)))
    def test_the_order_of_a_directory_does_not_matter(self, tmp_path_factory, monkeypatch, order):
        root = tmp_path_factory.mktemp("any")
        source = class_folder(root / "in", {"a": 4, "b": 4})
        listed = Path.iterdir
        first = ingested(source, root / "out").manifest.id

        with monkeypatch.context() as patch:
            patch.setattr(
                Path,
                "iterdir",
                lambda folder: [
                    entry for _, entry in sorted(zip([*order] * 2, listed(folder), strict=False))
                ],
            )
            second = prepare(str(source), into=root).manifest.id

        assert second == first

    def test_a_packed_and_a_plain_file_are_the_same_version(self, tmp_path):
        idx(tmp_path / "plain", packed=False)
        idx(tmp_path / "packed", packed=True)

        ids = {
            ingested(tmp_path / name, tmp_path / "out").manifest.id for name in ("plain", "packed")
        }

        assert len(ids) == 1

    def test_a_seed_makes_another_version(self, tmp_path):
        source = csv_file(tmp_path / "t.csv", table_text())

        ids = {ingested(source, tmp_path / "out", split_seed=seed).manifest.id for seed in (0, 1)}

        assert len(ids) == 2

    def test_progress_ends_with_all_of_it(self, tmp_path):
        seen: list[Progress] = []

        ingested(
            class_folder(tmp_path / "in", {"a": 30, "b": 30}),
            tmp_path / "out",
            progress=seen.append,
        )

        assert [one.done for one in seen] == [50, 60]
        assert seen[-1].total == 60

    def test_options_of_tables_are_refused_for_images(self, tmp_path):
        source = class_folder(tmp_path / "in", {"a": 3, "b": 3})

        with pytest.raises(LabelRefused, match="'x'"):
            ingested(source, tmp_path / "out", label="x")
        with pytest.raises(LabelRefused, match="regression"):
            ingested(source, tmp_path / "out", task="regression")

    def test_a_share_of_all_is_refused_before_anything_is_read(self, tmp_path):
        with pytest.raises(SplitRefused):
            prepare("nowhere", into=tmp_path, untouched=1.0)

    def test_a_directory_that_cannot_be_written_is_an_error_with_a_hint(self, tmp_path):
        source = class_folder(tmp_path / "in", {"a": 3, "b": 3})
        (tmp_path / "file").write_bytes(png())

        with pytest.raises(ScratchUnusable, match="file/source' cannot be written"):
            prepare(str(source), into=tmp_path / "file")
