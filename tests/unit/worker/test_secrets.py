"""Secrets on a node: fetched, in memory, and gone after every kind of end."""

import os
import signal
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from pileus.compute.layout import Layout
from pileus.compute.secrets import take
from pileus.core.errors import NotFound
from pileus.core.schemas.secrets import JobSecret
from pileus.worker.errors import SecretsMissing, SecretUnfit
from pileus.worker.secrets import SecretFiles, memory_directory
from pileus.worker.settings import WorkerSettings
from pileus.worker.wiring import working
from tests.unit.compute.building import json_in
from tests.unit.worker.fakes import FakeServer, make_order, named

SECRET = b"hunter2-correct-horse"
BOTH = (JobSecret(name="PW", variable="PW"), JobSecret(name="PW", file="pw.txt"))


@pytest.fixture
def server():
    found = FakeServer()
    found.secret_values = {"PW": SECRET}
    return found


@pytest.fixture
def settings(tmp_path):
    return WorkerSettings(home=tmp_path, node_name="here", retry_seconds_max=0.2)


@pytest.fixture
def memory(settings):
    """Where this worker keeps secrets; the test leaves nothing there."""
    found = memory_directory(settings.directory)
    if found is None:
        pytest.skip("no files in memory on this machine")
    yield found
    assert not found.exists()


def holders(directory):
    found = []
    for parent, _, names in os.walk(directory):
        for path in (Path(parent, name) for name in names):
            with suppress(FileNotFoundError):  # what has ended is being removed
                if path.is_file() and not path.is_symlink() and SECRET in path.read_bytes():
                    found.append(path)
    return found


def telling(*words):
    return make_order("att_1", "sh", "-c", " ".join(words), secrets=BOTH)


class TestSecretFiles:
    @pytest.fixture
    def layout(self, tmp_path):
        layout = Layout(tmp_path / "attempts" / "att_1")
        layout.directory.mkdir(parents=True)
        return layout

    async def test_variables_and_files_are_told_apart(self, layout, server, tmp_path):
        files = SecretFiles(tmp_path / "memory")

        await files.place(layout, make_order(secrets=BOTH), server)

        assert (layout.secrets / "pw.txt").read_bytes() == SECRET
        assert take(layout).env == {"PW": SECRET.decode()}
        files.remove(layout)
        assert not (tmp_path / "memory").exists()

    async def test_one_that_was_removed_says_so(self, layout, server):
        server.secret_values = {}

        with pytest.raises(SecretsMissing, match="'A' not found: it was removed before"):
            await SecretFiles().place(layout, make_order(secrets=BOTH), server)

    async def test_another_thing_that_is_not_found_is_another_error(self, layout, server):
        async def refuse(*_):
            raise named("job_not_found", NotFound("Job 'job_1' not found"))

        server.secrets = refuse

        with pytest.raises(NotFound) as error:
            await SecretFiles().place(layout, make_order(secrets=BOTH), server)

        assert not isinstance(error.value, SecretsMissing)

    async def test_a_nul_byte_fits_into_a_file_only(self, layout, server):
        server.secret_values = {"PW": b"hunter\0two"}

        with pytest.raises(SecretUnfit, match="NUL byte"):
            await SecretFiles().place(layout, make_order(secrets=BOTH[:1]), server)
        await SecretFiles().place(layout, make_order(secrets=BOTH[1:]), server)

        assert (layout.secrets / "pw.txt").read_bytes() == b"hunter\0two"

    async def test_removal_does_not_follow_a_link_of_the_attempt(self, layout, tmp_path):
        others = tmp_path / "others"
        others.mkdir()
        layout.secrets.symlink_to(others)

        SecretFiles().remove(layout)
        SecretFiles(tmp_path / "memory").remove(layout)

        assert others.exists()

    async def test_the_directory_in_memory_is_for_us_alone(self, layout, server, tmp_path):
        await SecretFiles(tmp_path / "memory").place(layout, make_order(secrets=BOTH), server)

        for directory in (tmp_path / "memory", tmp_path / "memory" / "att_1"):
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700

    async def test_one_that_others_may_enter_is_neither_used_nor_swept(
        self, layout, server, tmp_path, caplog
    ):
        memory = tmp_path / "memory"
        (memory / "theirs").mkdir(parents=True, mode=0o755)
        files = SecretFiles(memory)

        await files.place(layout, make_order(secrets=BOTH), server)
        files.sweep(tmp_path / "attempts")

        assert "is not ours: secrets rest on disk" in caplog.text
        assert [path.name for path in memory.iterdir()] == ["theirs"]
        assert stat.S_IMODE((layout.secrets / "pw.txt").stat().st_mode) == 0o600
        files.remove(layout)
        assert not layout.secrets.exists()

    def test_a_sweep_keeps_what_belongs_to_an_attempt_here(self, layout, tmp_path):
        memory = tmp_path / "memory"
        memory.mkdir(mode=0o700)
        for name in ("att_1", "att_2"):
            (memory / name).mkdir()

        SecretFiles(memory).sweep(tmp_path / "attempts")

        assert [path.name for path in memory.iterdir()] == ["att_1"]


class TestMemoryDirectory:
    def test_it_is_the_same_for_the_next_worker_and_another_for_another(self, settings, memory):
        assert memory_directory(settings.directory) == memory
        assert memory_directory(settings.home / "elsewhere") != memory

    def test_a_disk_is_not_memory(self, settings):
        assert memory_directory(settings.directory, Path("/proc")) is None


class TestLife:
    async def test_an_attempt_has_them_and_nothing_is_left(self, settings, memory, server):
        server.order(
            telling(
                "echo out $PW; cat $PILEUS_ATTEMPT_SECRETS_DIR/pw.txt >&2;",
                "readlink -f $PILEUS_ATTEMPT_SECRETS_DIR",
            )
        )

        async with working(settings, server):
            end = await server.end_of("att_1")

            assert end.exit["code"] == 0
            assert server.stream("att_1") == f"out ***\n{memory}/att_1\n".encode()
            assert server.stream("att_1", "stderr") == b"***"
            assert holders(settings.home) == []
            await server.until(lambda: not memory.exists())

    async def test_a_server_that_is_away_is_waited_for(self, settings, memory, server):
        asked = server.secrets
        tries = []

        async def away_at_first(*given):
            tries.append(given)
            server.is_away = len(tries) < 3
            return await asked(*given)

        server.secrets = away_at_first
        server.order(telling("echo $PW"))

        async with working(settings, server):
            assert (await server.end_of("att_1")).exit["code"] == 0
        assert server.stream("att_1") == b"***\n"
        assert len(tries) == 3

    async def test_one_that_was_removed_ends_it_at_once(self, settings, memory, server):
        server.secret_values = {}
        server.order(telling("echo never"))

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["reason"] == "secret_missing"
        assert "'A' not found: it was removed before this started" in end.exit["message"]
        assert server.stream("att_1") == b""

    async def test_another_worker_goes_on_and_cleans_up(self, settings, memory, server):
        server.order(telling("echo one $PW; until test -e go; do sleep 0.02; done; echo two $PW"))
        directory = settings.directory / "attempts" / "att_1"
        async with working(settings, server):
            await server.until(lambda: server.stream("att_1") == b"one ***\n")
        assert holders(settings.home) == []
        stale = memory / "att_0"
        stale.mkdir()

        async with working(settings, server):
            assert not stale.exists()
            (directory / "work" / "go").touch()
            await server.end_of("att_1")

        assert server.stream("att_1") == b"one ***\ntwo ***\n"
        assert holders(settings.home) == []

    async def test_a_runner_that_was_killed_leaves_neither_files_nor_its_word(
        self, settings, memory, server
    ):
        say = 'printf \'{"status": "failed", "error": {"message": "%s"}}\' "$PW" > ../report/result.json'
        server.order(telling(f"{say}; touch said; sleep 60"))
        directory = settings.directory / "attempts" / "att_1"

        async with working(settings, server):
            await server.until((directory / "work" / "said").exists)
            os.kill(json_in(directory / "runner.json")["pid"], signal.SIGKILL)
            end = await server.end_of("att_1")
            await server.until(lambda: not directory.exists())

        assert (end.exit["reason"], end.result) == ("runner_lost", None)
        assert holders(settings.home) == []

    async def test_one_that_is_withdrawn_takes_them_along(self, settings, memory, server):
        server.order(telling("sleep 60"))

        async with working(settings, server):
            await server.until_running("att_1")
            assert (memory / "att_1" / "pw.txt").exists()
            server.withdraw("att_1")
            await server.until(lambda: not memory.exists())
