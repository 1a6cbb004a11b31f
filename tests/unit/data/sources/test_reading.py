import os

import pytest

from pileus.data.errors import SourceUnreadable
from pileus.data.sources.reading import check_link, read_image, reading


class TestReading:
    def test_a_missing_file_is_named(self, tmp_path):
        with (
            pytest.raises(SourceUnreadable, match=r"'t\.csv' cannot be read: No such file"),
            reading(tmp_path / "t.csv", "t.csv"),
        ):
            pass

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_file_that_may_not_be_read_is_named(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(b"x")
        path.chmod(0)

        with pytest.raises(SourceUnreadable, match="Permission denied"):
            read_image(path, "a.png")


class TestCheckLink:
    def test_a_loop_is_refused(self, tmp_path):
        path = tmp_path / "a"
        path.symlink_to(path)

        with pytest.raises(SourceUnreadable, match="leads nowhere"):
            check_link(path, tmp_path, "a")
