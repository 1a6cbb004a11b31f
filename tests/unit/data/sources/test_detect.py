import pytest

from pileus.data.errors import ChecksumRefused, DatabaseRefused, SourceNotFound, SourceUnknown
from pileus.data.sources.detect import open_source
from pileus.data.sources.options import SourceOptions
from tests.unit.data.build import class_folder, csv_file, idx


def opened(tmp_path, source):
    return open_source(str(source), SourceOptions(tmp_path / "scratch"))


class TestOpenSource:
    def test_knows_each_kind(self, tmp_path):
        class_folder(tmp_path / "pets", {"a": 1, "b": 1})
        idx(tmp_path / "mnist")
        csv_file(tmp_path / "t.csv", "a,b\n")

        names = [opened(tmp_path, tmp_path / name).name for name in ("pets", "mnist", "t.csv")]

        assert names == ["folder:pets", "idx:mnist", "csv:t.csv"]

    @pytest.mark.parametrize("source", ["", "here/nowhere", "a\0b"])
    def test_nothing_there_is_said(self, tmp_path, monkeypatch, source):
        monkeypatch.chdir(tmp_path)

        with pytest.raises((SourceNotFound, SourceUnknown)) as refusal:
            opened(tmp_path, source or "missing")

        assert refusal.value.hint

    def test_an_unknown_kind_lists_those_that_are_read(self, tmp_path):
        csv_file(tmp_path / "t.xyz", "x")

        with pytest.raises(SourceUnknown, match=r"t\.xyz") as refusal:
            opened(tmp_path, tmp_path / "t.xyz")

        assert "CSV" in str(refusal.value.hint)

    def test_an_address_of_another_scheme_is_refused_without_its_password(self, tmp_path):
        with pytest.raises(SourceUnknown, match=r"'gopher://example\.org/t\.csv'") as refusal:
            opened(tmp_path, "gopher://me:secret@example.org/t.csv?key=secret")

        assert "secret" not in str(refusal.value)

    def test_with_a_query_any_url_is_one_of_a_database(self, tmp_path):
        options = SourceOptions(tmp_path / "scratch", query="select 1")

        with pytest.raises(DatabaseRefused, match="'nosuch'") as refusal:
            open_source("nosuch://me:s3cret@host/x", options)

        assert "SQLAlchemy" in refusal.value.hint
        assert "s3cret" not in str(refusal.value)

    def test_without_a_query_an_unknown_address_tells_of_databases_too(self, tmp_path):
        with pytest.raises(SourceUnknown) as refusal:
            opened(tmp_path, "nosuch://me:s3cret@host/x")

        assert "--query" in refusal.value.hint

    def test_a_checksum_is_for_what_is_fetched(self, tmp_path):
        csv_file(tmp_path / "t.csv", "a,b\n")

        with pytest.raises(ChecksumRefused, match="is not fetched"):
            open_source(str(tmp_path / "t.csv"), SourceOptions(tmp_path, checksum="sha256:00"))

    def test_a_trailing_slash_does_not_matter(self, tmp_path):
        class_folder(tmp_path / "pets", {"a": 1, "b": 1})

        assert opened(tmp_path, f"{tmp_path}/pets/").name == "folder:pets"
