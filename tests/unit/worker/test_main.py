"""A worker as a process, against a server on a port."""

import asyncio
import os
import signal
import sys

import pytest

from pileus.compute.layout import Layout
from pileus.core.status import exit_code
from pileus.worker.errors import RayMissing
from pileus.worker.main import run
from pileus.worker.settings import WorkerSettings
from tests.unit.compute.building import is_alive, json_in
from tests.unit.worker.fakes import FakeServer, make_order
from tests.unit.worker.http_server import TOKEN, serving

PROGRAM = """
import sys
from pileus.worker.main import run
from pileus.worker.settings import WorkerSettings
sys.exit(run(WorkerSettings.model_validate_json(sys.argv[1])))
"""


@pytest.fixture
def home(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "worker.token").write_text(TOKEN)
    return tmp_path


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def start(home, server):
    processes = []
    async with serving(server, home) as url:

        async def begin(supervisor_fd=None):
            given = f'{{"home": "{home}", "server_url": "{url}", "node_name": "here"'
            given += f', "supervisor_fd": {"null" if supervisor_fd is None else supervisor_fd}}}'
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                PROGRAM,
                given,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=() if supervisor_fd is None else (supervisor_fd,),
            )
            processes.append(process)
            return process

        yield begin
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.fixture
def layout(home):
    return Layout(home / "worker" / "attempts" / "att_1")


class TestRun:
    async def test_a_worker_that_was_killed_is_followed_by_one_that_adopts(
        self, start, server, layout
    ):
        server.order(make_order("att_1", "sh", "-c", "echo one; sleep 2; echo two; exit 5"))
        first = await start()
        await server.until_running("att_1")
        pid = json_in(layout.runner)["pid"]

        first.kill()
        await first.wait()
        await start()
        end = await server.end_of("att_1")

        assert server.registrations[1].holding == ("att_1",)
        assert end.exit["code"] == 5
        assert server.stream("att_1") == b"one\ntwo\n"
        assert not is_alive(pid)

    async def test_a_request_to_end_leaves_runners_alone(self, start, server, layout):
        server.order(make_order("att_1", "sleep", "30"))
        worker = await start()
        await server.until_running("att_1")

        worker.send_signal(signal.SIGTERM)

        assert await asyncio.wait_for(worker.wait(), 5) == 0
        runner = json_in(layout.runner)["pid"]
        assert is_alive(runner)
        os.kill(runner, signal.SIGTERM)

    async def test_it_ends_when_the_supervisor_dies(self, start, server):
        readable, writable = os.pipe()
        worker = await start(readable)
        await server.until(lambda: server.registrations)
        os.close(readable)

        os.close(writable)

        assert await asyncio.wait_for(worker.wait(), 5) == 0

    async def test_a_second_worker_on_a_home_is_refused(self, start, server):
        await start()
        await server.until(lambda: server.registrations)

        second = await start()

        assert await asyncio.wait_for(second.wait(), 10) == 6


def test_without_ray_its_executor_says_what_to_install(home, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    code = run(WorkerSettings(home=home, executor="ray"))

    assert code == exit_code(RayMissing(""))
    assert "pileus[ray]" in capsys.readouterr().err
