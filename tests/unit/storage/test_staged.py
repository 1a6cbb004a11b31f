import asyncio

import pytest

from pileus.core.staging import staging_directory
from pileus.storage.errors import BlobMismatch, StagedFileNotFound
from pileus.storage.staged import Staging, read_in_parts

DIGEST = "ab" * 32


class TestStaging:
    def test_a_file_is_read_in_parts(self, tmp_path):
        content = bytes(range(256)) * 5000
        staging = Staging(tmp_path)

        async def read():
            with staging.open(directory.name, DIGEST) as file:
                return [part async for part in read_in_parts(file)]

        with staging_directory(tmp_path) as directory:
            (directory / DIGEST).write_bytes(content)
            parts = asyncio.run(read())

        assert b"".join(parts) == content
        assert len(parts) == 2

    def test_a_link_is_no_file_of_the_client(self, tmp_path):
        (tmp_path / "secret").write_text("of somebody else")

        with staging_directory(tmp_path) as directory:
            (directory / DIGEST).symlink_to(tmp_path / "secret")

            with pytest.raises(StagedFileNotFound, match=DIGEST):
                Staging(tmp_path).open(directory.name, DIGEST)

    def test_a_link_is_no_directory_of_a_client(self, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / DIGEST).write_text("of somebody else")
        (tmp_path / ("c" * 32)).symlink_to(tmp_path / "elsewhere")

        with pytest.raises(StagedFileNotFound):
            Staging(tmp_path).open("c" * 32, DIGEST)

    @pytest.mark.parametrize("name", ["open", "..", "x\0y", DIGEST + "\n"])
    def test_what_is_no_digest_names_nothing(self, tmp_path, name):
        with staging_directory(tmp_path) as directory, pytest.raises(BlobMismatch):
            Staging(tmp_path).open(directory.name, name)

    async def test_what_a_killed_client_left_goes(self, tmp_path):
        left = tmp_path / ("c" * 32)
        left.mkdir()
        (left / DIGEST).write_bytes(b"plain")

        await Staging(tmp_path).clear()

        assert list(tmp_path.iterdir()) == []
