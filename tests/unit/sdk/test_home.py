import json
import os
import subprocess
import sys

import pytest

from pileus.core.errors import NotAuthenticated, Unavailable
from pileus.sdk import Client
from pileus.sdk.home import address, addresses


@pytest.fixture
def home(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path


def write(home, name, document):
    (home / "run" / name).write_text(json.dumps(document), encoding="utf-8")


class TestFromHome:
    def test_ports_and_token_are_read(self, home):
        write(home, "ports.json", {"server": 1, "gateway": 2, "host": "127.0.0.1"})
        write(home, "pids.json", {"supervisor": os.getpid()})
        write(home, "tokens.json", {"default": "plt_x"})

        client = Client.from_home(home)

        assert client.url == "http://127.0.0.1:1"
        assert client.gateway_url == "http://127.0.0.1:2"

    def test_a_home_without_ports_is_not_running(self, home):
        with pytest.raises(Unavailable, match="Pileus is not running in") as caught:
            Client.from_home(home)

        assert "pileus up" in str(caught.value.hint)

    def test_a_home_below_a_file_is_not_running(self, tmp_path):
        (tmp_path / "file").touch()

        with pytest.raises(Unavailable, match="is not running"):
            addresses(tmp_path / "file" / "home")

    def test_a_supervisor_that_was_killed_is_noticed(self, home):
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        write(home, "ports.json", {"server": 1})
        write(home, "pids.json", {"supervisor": ended.pid})

        with pytest.raises(Unavailable, match="not running"):
            addresses(home)

    def test_an_unknown_project_names_those_that_have_a_token(self, home):
        write(home, "ports.json", {"server": 1})
        write(home, "tokens.json", {"default": "plt_x"})

        with pytest.raises(NotAuthenticated, match=r"'other'.*'default'"):
            Client.from_home(home, "other")


class TestAddress:
    @pytest.mark.parametrize(
        "host,url",
        [
            ("127.0.0.1", "http://127.0.0.1:7"),
            ("0.0.0.0", "http://127.0.0.1:7"),
            ("::", "http://[::1]:7"),
            ("node.example", "http://node.example:7"),
        ],
    )
    def test_it_can_be_reached_from_this_machine(self, host, url):
        assert address(host, 7) == url
