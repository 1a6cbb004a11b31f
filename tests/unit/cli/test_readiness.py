import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pileus.cli.home import Home
from pileus.cli.readiness import look, reasons, wait_until_ready

RUNNING = {"pid": 1, "restarts": 0, "state": "running", "reason": None, "log": "x"}


class Answers(BaseHTTPRequestHandler):
    """Answers who has the right token."""

    def do_GET(self):
        is_known = self.headers["Authorization"] == "Bearer plt_x"
        self.send_response(200 if is_known else 401)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        """Quiet."""


@pytest.fixture
def port():
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    made.prepare()
    made.lock()
    return made


def make_running(home, server, gateway, token="plt_x", **worker):
    home.write("ports.json", {"server": server, "gateway": gateway, "host": "127.0.0.1"})
    home.write("tokens.json", {"default": token})
    home.write(
        "processes.json",
        {"server": RUNNING, "gateway": RUNNING, "worker": RUNNING | worker},
    )


class TestLook:
    def test_it_is_ready_when_every_port_answers_the_token(self, home, port):
        make_running(home, port, port)

        seen = look(home)

        assert seen["state"] == "ready"
        assert seen["processes"]["gateway"]["url"] == f"http://127.0.0.1:{port}"

    def test_a_port_that_refuses_the_token_is_not_ready(self, home, port):
        make_running(home, port, port, token="plt_other")

        assert look(home)["state"] == "starting"

    def test_a_port_that_does_not_answer_is_starting(self, home, port):
        make_running(home, port, 1)

        seen = look(home)

        assert seen["state"] == "starting"
        assert "gateway" in reasons(seen)

    def test_a_process_that_keeps_dying_degrades_it_and_says_why(self, home, port):
        make_running(home, port, port, state="crash_loop", reason="killed by signal 9")

        seen = look(home)

        assert seen["state"] == "degraded"
        assert reasons(seen) == "worker: killed by signal 9"

    def test_a_home_that_nobody_holds_is_stopped(self, tmp_path):
        assert look(Home(tmp_path))["state"] == "stopped"


class TestWait:
    def test_it_ends_at_a_crash_loop(self, home, port):
        make_running(home, port, port, state="crash_loop", reason="x")

        assert wait_until_ready(home, 60)["state"] == "degraded"

    def test_it_ends_when_the_supervisor_is_gone(self, home):
        assert wait_until_ready(home, 60, lambda: True)["state"] == "starting"
