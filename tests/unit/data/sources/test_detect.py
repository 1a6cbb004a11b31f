from pathlib import Path

import pytest

from pileus.data.errors import SourceNotFound, SourceUnknown
from pileus.data.sources.detect import open_source
from pileus.data.sources.options import SourceOptions
from tests.unit.data.build import class_folder, csv_file, idx


class TestOpenSource:
    def test_knows_each_kind(self, tmp_path):
        class_folder(tmp_path / "pets", {"a": 1, "b": 1})
        idx(tmp_path / "mnist")
        csv_file(tmp_path / "t.csv", "a,b\n")

        names = [
            open_source(str(tmp_path / name), SourceOptions(Path())).name
            for name in ("pets", "mnist", "t.csv")
        ]

        assert names == ["folder:pets", "idx:mnist", "csv:t.csv"]

    @pytest.mark.parametrize("source", ["", "here/nowhere", "a\0b"])
    def test_nothing_there_is_said(self, tmp_path, monkeypatch, source):
        monkeypatch.chdir(tmp_path)

        with pytest.raises((SourceNotFound, SourceUnknown)) as refusal:
            open_source(source or "missing", SourceOptions(Path()))

        assert refusal.value.hint

    def test_an_unknown_kind_lists_those_that_are_read(self, tmp_path):
        csv_file(tmp_path / "t.zip", "x")

        with pytest.raises(SourceUnknown, match=r"t\.zip") as refusal:
            open_source(str(tmp_path / "t.zip"), SourceOptions(Path()))

        assert "CSV" in str(refusal.value.hint)

    def test_an_address_is_not_fetched(self):
        with pytest.raises(SourceUnknown, match="is an address"):
            open_source("https://example.org/t.csv", SourceOptions(Path()))

    def test_a_trailing_slash_does_not_matter(self, tmp_path):
        class_folder(tmp_path / "pets", {"a": 1, "b": 1})

        assert open_source(f"{tmp_path}/pets/", SourceOptions(Path())).name == "folder:pets"
