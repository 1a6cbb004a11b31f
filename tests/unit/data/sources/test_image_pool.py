import signal

import pytest

from pileus.data.errors import ImageDamaged, IngestWorkerLost
from pileus.data.sources import image_pool, image_worker
from pileus.data.sources.image_pool import ImagePool
from pileus.data.sources.image_worker import CheckedFile, check_files
from tests.unit.data.build import png


@pytest.fixture
def files(tmp_path):
    for number in range(12):
        (tmp_path / f"{number:02d}.png").write_bytes(png(number) if number != 7 else b"text")
    return [(str(path), path.name) for path in sorted(tmp_path.iterdir())]


@pytest.fixture(params=["threads", "processes"])
def pool(request, monkeypatch):
    monkeypatch.setattr(image_pool, "_CHUNK_FILES", 5)
    with ImagePool() as pool:
        if request.param == "processes":
            pool.expect_many()
        yield pool


class TestCheckInOrder:
    def test_gives_what_came_of_each_file_in_order(self, files, pool):
        found = list(pool.check_in_order(files))

        assert [data for outcome, data in found if isinstance(outcome, CheckedFile)] == [
            png(number) for number in range(12) if number != 7
        ]
        assert isinstance(found[7][0], ImageDamaged)
        assert "'07.png'" in found[7][0].message

    def test_may_be_left_early(self, files, pool):
        images = pool.check_in_order(files)

        next(images)
        images.close()

    def test_leaving_ends_the_processes(self, files):
        with ImagePool() as pool:
            pool.expect_many()
            pool.expect_many()
            started = list(pool._processes)
            assert len(started) == pool._count

        assert all(process.returncode == -signal.SIGKILL for process in started)

    def test_a_process_that_is_lost_is_said(self, files, monkeypatch):
        monkeypatch.setattr(image_worker, "__name__", "no.such.module")

        with ImagePool() as pool:
            pool.expect_many()
            with pytest.raises(IngestWorkerLost, match="ended with 1"):
                list(pool.check_in_order(files))

    def test_leaving_a_process_that_was_sent_half_a_question_is_no_error(self, monkeypatch):
        monkeypatch.setattr(image_worker, "__name__", "no.such.module")

        with ImagePool() as pool:
            pool.expect_many()
            for process in pool._processes:
                process.wait()
                process.stdin.write(b"half")

        assert all(process.stdin.closed for process in pool._processes)


class TestCheckFiles:
    def test_stops_after_what_memory_should_hold(self, files, monkeypatch):
        monkeypatch.setattr(image_worker, "CHUNK_BYTES", 300)

        outcomes, contents = check_files(files)

        assert 1 <= len(outcomes) < 5
        assert contents.startswith(png(0))

    def test_the_rest_of_a_chunk_follows(self, files, monkeypatch):
        monkeypatch.setattr(image_worker, "CHUNK_BYTES", 10)

        with ImagePool() as pool:
            assert len(list(pool.check_in_order(files))) == 12
