import io

import pytest
from rich.console import Console

from pileus.cli.difference_view import show_difference
from pileus.data.comparing import diff
from tests.unit.cli.versions import VersionServer
from tests.unit.data.build import class_folder, csv_file, ingested


def shown(server):
    console = Console(width=140, record=True, file=io.StringIO())
    show_difference(console, "old", "new", diff(server.client(), "old", "new"))
    return console.export_text()


def table(tmp_path, text):
    return ingested(csv_file(tmp_path / "t.csv", text), tmp_path / "out", label="label")


@pytest.fixture
def tables(tmp_path):
    old = "age,kind,label\n" + "".join(f"{n},{'uv'[n % 2]},{'ab'[n % 2]}\n" for n in range(300))
    new = "age,kind,label\n" + "".join(
        f"{n + 200},{'uvw'[n % 3]},{'ab'[n % 2]}\n" for n in range(300)
    )
    return VersionServer(old=table(tmp_path, old), new=table(tmp_path, new))


class TestShowDifference:
    def test_of_tables_says_rows_values_and_drift(self, tables):
        out = shown(tables)

        assert "300 → 300 rows" in out
        assert "column 'kind': new values 'w'" in out
        assert "149.5 → 349.5" in out
        assert "changed" in out

    def test_of_images_names_some_of_them(self, tmp_path):
        old = ingested(class_folder(tmp_path / "1", {"a": 4, "b": 4}), tmp_path / "out")
        root = class_folder(tmp_path / "2", {"a": 4, "b": 4})
        class_folder(root, {"[c]": 2}, start=30)
        new = ingested(root, tmp_path / "out")

        out = shown(VersionServer(old=old, new=new))

        assert "+ 2 images added" in out
        assert "[c]/0.png" in out
        assert "classes added: '[c]'" in out
        assert "= 8 images as they were" in out

    def test_a_version_and_itself_are_the_same(self, tmp_path):
        one = ingested(class_folder(tmp_path / "1", {"a": 4, "b": 4}), tmp_path / "out")

        assert "same content" in shown(VersionServer(old=one, new=one))

    def test_without_profiles_the_next_step_is_named(self, tables):
        tables.profiles = {version: [] for version in tables.profiles}

        assert "--again" in shown(tables)
