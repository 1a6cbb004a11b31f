import sys

import pytest

from pileus.core.holes import punch


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux frees the middle")
def test_the_middle_is_freed_and_what_is_beside_it_stays(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x" * 4_000_000)
    before = path.stat()

    with path.open("r+b") as file:
        is_done = punch(file.fileno(), 1_000_001, 2_999_999)

    after, data = path.stat(), path.read_bytes()
    if not is_done:
        pytest.skip("this file system has no holes")
    assert after.st_size == before.st_size
    assert after.st_blocks * 512 < 2_100_000 < before.st_blocks * 512
    assert data == b"x" * 1_000_001 + bytes(1_999_998) + b"x" * 1_000_001


def test_nothing_is_nothing(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x")

    with path.open("r+b") as file:
        assert not punch(file.fileno(), 1, 1)
