import pytest

from pileus.data.comparing import compare
from pileus.data.errors import KindsDiffer
from tests.unit.data.build import class_folder, csv_file, ingested


class FakeSource:
    """Versions as they lie on disk after ingest."""

    def __init__(self, **versions):
        self._versions = versions
        self.fetched: list[str] = []
        self.has_profiles = True

    def manifest(self, reference):
        prepared = self._versions[reference]
        return (prepared.profile.path.parent / "manifest.json").read_bytes()

    def newest_profile(self, reference):
        return self._versions[reference].profile.path.read_bytes() if self.has_profiles else None

    def pack(self, digest):
        self.fetched.append(digest)
        for prepared in self._versions.values():
            for blob in prepared.blobs:
                if blob.digest == digest:
                    return blob.path.read_bytes()
        raise AssertionError(digest)


def line(n, extra=""):
    return f"{n},{'uvw'[n % 3]},{'ab'[n % 2]}{extra}"


def table(tmp_path, lines, header="x,kind,label"):
    path = csv_file(tmp_path / "t.csv", header + "\n" + "\n".join(lines) + "\n")
    return ingested(path, tmp_path / "out", label="label")


def contents(found):
    return found.contents.added, found.contents.removed, found.contents.unchanged


class TestOfTables:
    def test_rows_come_and_go(self, tmp_path):
        source = FakeSource(
            a=table(tmp_path, [line(n) for n in range(100)]),
            b=table(tmp_path, [line(n) for n in range(10, 130)]),
        )

        found = compare(source, "a", "b")

        assert contents(found) == (30, 10, 90 - found.contents.moved)
        assert found.contents.by_columns is None
        assert (sum(found.rows_before), sum(found.rows_after)) == (100, 120)
        assert {one.name for one in found.drift} == {"x", "kind", "label"}
        medians = {one.name: (one.before, one.after) for one in found.figures}["x median"]
        assert medians == (49.5, 69.5)

    def test_a_version_with_itself_fetches_no_row(self, tmp_path):
        one = table(tmp_path, [line(n) for n in range(100)])
        source = FakeSource(a=one, b=one)

        found = compare(source, "a", "b")

        assert (found.is_empty, contents(found), source.fetched) == (True, (0, 0, 100), [])

    def test_columns_that_changed_are_named_and_rows_compared_without_them(self, tmp_path):
        source = FakeSource(
            a=table(tmp_path, [line(n, f",{n}") for n in range(60)], "x,kind,label,old"),
            b=table(tmp_path, [f"new,{line(n)}" for n in range(60)], "more,x,kind,label"),
        )

        found = compare(source, "a", "b")

        assert (found.columns_added, found.columns_removed) == (("more",), ("old",))
        assert found.contents.by_columns == ("kind", "label", "x")
        assert (found.contents.added, found.contents.removed) == (0, 0)

    def test_a_new_category_and_a_changed_type_are_named(self, tmp_path):
        source = FakeSource(
            a=table(tmp_path, [line(n) for n in range(60)]),
            b=table(tmp_path, ["n/a!,z,a", *(line(n) for n in range(59)), "8,z,b"]),
        )

        changed = {one.name: one for one in compare(source, "a", "b").columns_changed}

        assert (changed["x"].before, changed["x"].after) == ("number", "category")
        assert (changed["kind"].new_values, changed["kind"].gone_values) == (("z",), ())

    def test_without_profiles_there_are_no_statistics(self, tmp_path):
        one = table(tmp_path, [line(n) for n in range(60)])
        source = FakeSource(a=one, b=one)
        source.has_profiles = False

        found = compare(source, "a", "b")

        assert (found.drift, found.figures) == ((), ())


class TestOfImages:
    def test_changes_are_told_by_content(self, tmp_path):
        first = ingested(class_folder(tmp_path / "1", {"a": 5, "b": 5}), tmp_path / "out")
        root = class_folder(tmp_path / "2", {"a": 5, "b": 5})
        class_folder(root, {"c": 3}, start=50)
        (root / "a" / "0.png").rename(root / "b" / "moved.png")
        source = FakeSource(a=first, b=ingested(root, tmp_path / "out"))

        found = compare(source, "a", "b")

        assert (found.contents.added, found.contents.relabelled) == (3, 1)
        assert found.classes_added == ("c",)
        assert source.fetched == []

    def test_a_table_is_no_folder_of_images(self, tmp_path):
        source = FakeSource(
            a=table(tmp_path, [line(n) for n in range(60)]),
            b=ingested(class_folder(tmp_path / "in", {"a": 5, "b": 5}), tmp_path / "out"),
        )

        with pytest.raises(KindsDiffer):
            compare(source, "a", "b")
