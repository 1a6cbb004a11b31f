"""The process: how it starts, ends and dies. No server: it serves from its cache."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from pileus.core.clock import SystemClock
from pileus.gateway.bundles import BundleCache
from pileus.gateway.meters import find_dead
from pileus.gateway.route_cache import CachedRoutes, RouteCache
from tests.unit.gateway.installation import DEVELOPER, features, free_port, route, routes
from tests.unit.inference.graphs import write_rows_bundle

RUN = """
import json, sys
from pathlib import Path
from pileus.gateway.main import run
from pileus.gateway.settings import GatewaySettings
raise SystemExit(run(GatewaySettings(**json.loads(sys.argv[1]))))
"""
INFER = "/v2/models/flowers/infer"
BEARER = {"Authorization": f"Bearer {DEVELOPER}"}


class Process:
    """A gateway in a process of its own."""

    def __init__(self, home: Path, code: str = RUN, pass_fds: tuple[int, ...] = (), **changes):
        self.port = changes.pop("port", None) or free_port()
        settings = {
            "home": str(home),
            "port": self.port,
            "grpc_port": free_port(),
            "server_url": f"http://127.0.0.1:{free_port()}",
        }
        self.popen = subprocess.Popen(
            [sys.executable, "-c", code, json.dumps(settings | changes)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=pass_fds,
        )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=BEARER)

    def ready(self):
        for _ in range(200):
            try:
                if self.client.get("/v2/models/flowers/ready").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            if self.popen.poll() is not None:
                break
            time.sleep(0.05)
        raise TimeoutError(self.popen.communicate()[1])

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.popen.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        _, said = self.popen.communicate(timeout=30)
        return self.popen.returncode, said


@pytest.fixture
def home(tmp_path, link):
    """A home whose gateway has heard of one endpoint before."""
    made = write_rows_bundle(tmp_path / "made")
    flowers = route(link.hold(made))
    directory = tmp_path / "home" / "gateway"
    directory.mkdir(parents=True)
    made.rename(BundleCache(directory / "bundles").directory_of(flowers))
    cached = CachedRoutes(routes=routes(flowers), live=(flowers,))
    RouteCache(directory / "routes.json").save(cached, SystemClock().now())
    return tmp_path / "home"


@pytest.fixture
def start(home):
    started: list[Process] = []

    def start(**more) -> Process:
        process = Process(home, **more)
        started.append(process)
        return process

    yield start
    for process in started:
        process.client.close()
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.communicate()


def metered(home):
    """Requests and predictions of all lanes that are over."""
    found = find_dead(home / "gateway" / "meters")
    counters = [counter for dead in found for counter in dead.report().counters]
    for dead in found:
        dead.close()
    return sum(c.requests for c in counters), sum(c.predictions for c in counters)


class TestRun:
    def test_it_serves_without_the_server_and_ends_cleanly(self, start, home):
        process = start().ready()
        assert process.client.post(INFER, json=features(2)).status_code == 200

        code, said = process.end()

        assert code == 0, said
        assert "Traceback" not in said
        assert "no news of routes" in said
        assert metered(home) == (1, 2)

    def test_a_port_in_use_is_told_without_a_traceback(self, start):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]

            code, said = start(port=port).ended()

        assert code == 6
        assert f"127.0.0.1:{port}" in said
        assert "Traceback" not in said

    def test_a_setting_that_does_not_fit_is_told_before_its_hint(self, start):
        code, said = start(allowed_objects=["example.org/public"]).ended()

        lines = said.splitlines()
        assert code == 2
        assert "'example.org/public', which is no address of objects" in lines[-2]
        assert lines[-1].startswith("Hint: ")

    def test_it_ends_when_the_supervisor_dies(self, start):
        reading, writing = os.pipe()
        process = start(supervisor_fd=reading, pass_fds=(reading,))
        os.close(reading)
        process.ready()

        os.close(writing)

        assert process.ended()[0] == 0

    def test_it_carries_nothing_heavy(self, start):
        code = (
            RUN.replace("raise SystemExit(", "code = (", 1)
            + """
heavy = {"sqlalchemy", "torch", "pandas", "sklearn", "fastapi", "starlette", "typer", "onnx"}
import os
print(json.dumps([sorted(heavy & set(sys.modules)), os.environ["OMP_NUM_THREADS"]]))
"""
        )
        process = start(code=code).ready()
        assert process.client.post(INFER, json=features()).status_code == 200

        process.popen.terminate()
        out, said = process.popen.communicate(timeout=30)

        assert json.loads(out) == [[], "1"], said

    def test_requests_in_flight_are_answered_before_it_ends(self, start, home):
        process = start().ready()
        answered = hammer(process, seconds=0.6, after=process.popen.terminate)

        code, said = process.ended()

        assert code == 0, said
        assert metered(home)[1] == answered > 0

    def test_after_a_kill_no_answer_is_unmetered(self, start, home):
        process = start().ready()
        answered = hammer(process, seconds=0.6, after=process.popen.kill)
        process.ended()

        requests, predictions = metered(home)

        assert requests == predictions
        assert answered <= predictions <= answered + THREADS


THREADS = 4


def hammer(process, seconds, after):
    """Send until refused; the number of answers received."""
    answered = []
    body = json.dumps(features()).encode()

    def send():
        with httpx.Client(base_url=process.client.base_url, headers=BEARER) as client:
            while True:
                try:
                    assert client.post(INFER, content=body).status_code == 200
                except httpx.TransportError:
                    return
                answered.append(1)

    threads = [threading.Thread(target=send) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    after()
    for thread in threads:
        thread.join()
    return len(answered)
