import resource

import pytest

from pileus.data.errors import ScratchUnusable
from pileus.data.sources.scratch import ScratchFiles


@pytest.fixture
def small_files():
    """A limit at which writing breaks off inside a chunk, as it does where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


class TestWrite:
    @pytest.mark.usefixtures("small_files")
    @pytest.mark.parametrize("chunk_bytes", [1_000, 999_999, 5_000_000])
    def test_what_the_disk_does_not_take_is_no_fault_of_the_source(self, tmp_path, chunk_bytes):
        files = ScratchFiles(tmp_path, "'x.zip'")
        chunks = (bytes(chunk_bytes) for _ in range(1_000_001 // chunk_bytes + 1))

        with pytest.raises(ScratchUnusable, match="scratch directory cannot be written"):
            files.write("a.csv", chunks)

        assert not (tmp_path / "a.csv").exists()

    def test_every_byte_is_written(self, tmp_path):
        ScratchFiles(tmp_path, "'x.zip'").write("a/b.csv", iter([b"1,", b"", b"2" * 100_000]))

        assert (tmp_path / "a" / "b.csv").read_bytes() == b"1," + b"2" * 100_000
