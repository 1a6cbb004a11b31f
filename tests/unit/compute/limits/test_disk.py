import os

import pytest

from pileus.compute.limits.disk import used_bytes

MIB = 1 << 20


class TestUsedBytes:
    def test_files_at_any_depth_count(self, tmp_path):
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "b" / "file").write_bytes(b"x" * MIB)
        (tmp_path / "file").write_bytes(b"x" * MIB)

        assert 2 * MIB <= used_bytes(tmp_path, without=frozenset()) < 3 * MIB

    def test_what_is_left_out_is_so_at_the_top_alone(self, tmp_path):
        for inside in ("inputs", "out/inputs"):
            (tmp_path / inside).mkdir(parents=True)
            (tmp_path / inside / "file").write_bytes(b"x" * MIB)

        assert MIB <= used_bytes(tmp_path, without=frozenset({"inputs"})) < 2 * MIB

    def test_a_file_of_two_names_counts_once(self, tmp_path):
        (tmp_path / "one").write_bytes(b"x" * MIB)
        os.link(tmp_path / "one", tmp_path / "two")

        assert used_bytes(tmp_path, without=frozenset()) < 2 * MIB

    def test_a_link_is_not_followed(self, tmp_path):
        (tmp_path / "usr").symlink_to("/usr")

        assert used_bytes(tmp_path, without=frozenset()) < MIB

    def test_it_gives_up_where_counting_takes_too_long(self, tmp_path):
        (tmp_path / "file").touch()

        with pytest.raises(TimeoutError):
            used_bytes(tmp_path, without=frozenset(), within_seconds=-1)

    def test_a_hole_takes_no_disk(self, tmp_path):
        with (tmp_path / "sparse").open("wb") as file:
            file.truncate(1 << 30)

        assert used_bytes(tmp_path, without=frozenset()) < MIB
