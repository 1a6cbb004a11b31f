import os

import pytest

from pileus.core.opening import open_regular


class TestOpenRegular:
    def test_a_file_is_read(self, tmp_path):
        path = tmp_path / "file"
        path.write_bytes(b"ours")

        with open_regular(path) as file:
            assert file.read() == b"ours"

    def test_nothing_else_is_and_nobody_waits(self, tmp_path):
        (tmp_path / "file").write_text("theirs")
        (tmp_path / "link").symlink_to("file")
        os.mkfifo(tmp_path / "pipe")

        for path in (tmp_path / "link", tmp_path / "pipe", tmp_path, tmp_path / "absent"):
            with pytest.raises(OSError, match=str(path)):
                open_regular(path)
