import os

import pytest

from pileus.data.errors import ImageTooLarge, SourceChanged, SourceUnreadable
from pileus.data.sources import reading as reading_module
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
            read_image(str(path), "a.png")

    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "t.csv")

        with (
            pytest.raises(SourceUnreadable, match="not a regular file"),
            reading(tmp_path / "t.csv", "t.csv"),
        ):
            pass


class TestReadImage:
    def test_a_file_that_is_written_to_meanwhile_is_refused(self, tmp_path, monkeypatch):
        path = tmp_path / "a.png"
        path.write_bytes(b"before")
        read = os.read

        def written_to(descriptor, size):
            data = read(descriptor, size)
            path.write_bytes(b"after it")
            return data

        monkeypatch.setattr(os, "read", written_to)

        with pytest.raises(SourceChanged, match=r"'a\.png' changed"):
            read_image(str(path), "a.png")

    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "a.png")

        with pytest.raises(SourceUnreadable, match="not a regular file"):
            read_image(str(tmp_path / "a.png"), "a.png")

    def test_a_file_of_more_than_the_limit_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(reading_module, "MAX_IMAGE_BYTES", 10)
        (tmp_path / "a.png").write_bytes(bytes(11))

        with pytest.raises(ImageTooLarge, match="more than 10 bytes"):
            read_image(str(tmp_path / "a.png"), "a.png")


class TestCheckLink:
    def test_a_loop_is_refused(self, tmp_path):
        path = tmp_path / "a"
        path.symlink_to(path)

        with pytest.raises(SourceUnreadable, match="leads back to itself"):
            check_link(path, tmp_path, "a")
