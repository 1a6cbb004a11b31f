import pytest

from pileus.sdk.errors import SnapshotRefused
from pileus.sdk.snapshot.listing import list_files
from pileus.sdk.snapshot.packing import pack_files
from tests.unit.sdk.snapshot.repository import put


class TestPackFiles:
    def test_the_pack_holds_the_files_in_the_manifests_order(self, tmp_path):
        folder = tmp_path / "work"
        put(folder, "b.py", "two")
        put(folder, "a.py", "one")

        packed = pack_files(list_files(folder), tmp_path / "pack")

        assert packed.pack.read_bytes() == b"onetwo"
        assert [(file.path, file.size) for file in packed.manifest.files] == [
            ("a.py", 3),
            ("b.py", 3),
        ]

    def test_equal_files_make_equal_manifests_wherever_they_lie(self, tmp_path):
        for name in ("one", "two"):
            put(tmp_path / name, "a.py", "text")

        packed = [
            pack_files(list_files(tmp_path / name), tmp_path / f"{name}.pack").manifest.content()
            for name in ("one", "two")
        ]

        assert packed[0] == packed[1]

    def test_a_file_that_is_gone_by_then_is_told(self, tmp_path):
        path = put(tmp_path / "work", "a.py")
        listing = list_files(tmp_path / "work")
        path.unlink()

        with pytest.raises(SnapshotRefused, match=r"'a\.py' cannot be read"):
            pack_files(listing, tmp_path / "pack")
