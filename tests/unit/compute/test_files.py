import os

import pytest

from pileus.compute.files import read_json, replace_json


class TestReplaceJson:
    def test_it_replaces_the_whole(self, tmp_path):
        path = tmp_path / "lease.json"

        replace_json(path, {"renewals": 1, "more": "x" * 100})
        replace_json(path, {"renewals": 2})

        assert read_json(path) == {"renewals": 2}
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.iterdir()) == [path]

    def test_what_is_in_the_way_is_not_followed(self, tmp_path):
        other = tmp_path / "other"
        other.write_text("theirs")
        path = tmp_path / "result.json"
        path.with_name(f".result.json.{os.getpid()}").symlink_to(other)

        with pytest.raises(OSError, match="symbolic links"):
            replace_json(path, {})

        assert other.read_text() == "theirs"


class TestReadJson:
    @pytest.mark.parametrize(
        "content", [b"", b"{", b"[]", b"1", b"\xff", b"[" * 100_000, b'{"a": "' + b"x" * 99 + b'"}']
    )
    def test_what_is_no_object_counts_as_absent(self, tmp_path, content):
        path = tmp_path / "result.json"
        path.write_bytes(content)

        assert read_json(path, max_bytes=100) is None
        assert content.endswith(b"x") or read_json(path) in (None, {"a": "x" * 99})

    def test_a_file_that_is_not_there_is_absent(self, tmp_path):
        assert read_json(tmp_path / "exit.json") is None
