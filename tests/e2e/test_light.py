"""What the running processes carry: no database, no training, no data frames where none is used."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Digits
from tests.e2e.installation import Installation, clean_environment

HEAVY = {"sqlalchemy", "alembic", "psycopg", "torch", "onnx", "matplotlib", "pandas", "sklearn"}
WEB = {"fastapi", "starlette", "uvicorn"}

COMMAND = """
import json, sys
from pileus.cli.main import run_command
code = run_command(sys.argv[1:])
sys.stdout.flush()
sys.stderr.write(json.dumps([code, sorted(sys.modules)]))
"""

GATEWAY = """
import json, os, signal, sys, threading, time, urllib.request
from pathlib import Path
from pileus.gateway import main
from pileus.gateway.settings import GatewaySettings

home, port, token, image = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
url = f"http://127.0.0.1:{port}/v2/models/digits/infer"
headers = {"Authorization": f"Bearer {token}", "Content-Type": "image/png"}
seen = []

def ask():
    for _ in range(100):
        time.sleep(0.1)
        try:
            request = urllib.request.Request(url, image.read_bytes(), headers)
            seen.append(urllib.request.urlopen(request).status)
            break
        except OSError:
            pass
    seen.extend(sorted(sys.modules))
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=ask).start()
main.run(GatewaySettings(home=home, port=port, server_url="http://127.0.0.1:9", drain_seconds=1))
print(json.dumps(seen))
"""


def packages(modules: list[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def mapped(pid: int | None) -> set[str]:
    """Packages of site-packages whose extension modules a process has in memory."""
    lines = Path(f"/proc/{pid}/maps").read_text("utf-8").splitlines()
    found = {line.split("/site-packages/", 1)[1] for line in lines if "/site-packages/" in line}
    return {path.partition("/")[0].partition(".")[0] for path in found}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
class TestRunning:
    @pytest.mark.parametrize(
        "process, known, banned",
        [
            ("gateway", "onnxruntime", HEAVY | WEB),
            ("worker", "pydantic_core", HEAVY | {"onnxruntime", "numpy"}),
            ("server", "sqlalchemy", (HEAVY - {"sqlalchemy"}) | {"onnxruntime"}),
        ],
    )
    def test_a_process_has_no_extension_module_that_it_does_not_need(
        self, calm: Installation, digits: Digits, process: str, known: str, banned: set[str]
    ) -> None:
        calm.cli("predict", "digits", str(digits.image))

        loaded = mapped(calm.pid(process))

        assert known in loaded, "the look itself finds something"
        assert loaded & banned == set()


class TestGateway:
    def test_its_modules_after_a_prediction(
        self, calm: Installation, digits: Digits, tmp_path: Path
    ) -> None:
        (tmp_path / "run").mkdir()
        shutil.copy(calm.home / "run" / "gateway.token", tmp_path / "run")
        for name in ("routes.json", "bundles"):
            source = calm.home / "gateway" / name
            target = tmp_path / "gateway" / name
            target.parent.mkdir(exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)

        done = subprocess.run(
            [
                *(sys.executable, "-c", GATEWAY, str(tmp_path), str(_free_port())),
                *(calm.token, str(digits.image)),
            ],
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        status, *modules = json.loads(done.stdout)
        assert status == 200
        assert "onnxruntime" in modules
        assert packages(modules) & (HEAVY | WEB) == set()


class TestCommandLine:
    @pytest.mark.parametrize(
        "words",
        [
            ("status",),
            ("job", "list"),
            ("predict", "digits", "IMAGE"),
            ("dataset", "create", "digits", "sample:digits"),
        ],
        ids=" ".join,
    )
    def test_no_command_imports_what_the_server_and_the_trainer_are_made_of(
        self, calm: Installation, digits: Digits, words: tuple[str, ...]
    ) -> None:
        given = [str(digits.image) if word == "IMAGE" else word for word in words]

        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "--home", str(calm.home), "--json", *given],
            env=clean_environment(HOME=str(calm.directory)),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

        code, modules = json.loads(done.stderr)
        assert code == 0
        assert packages(modules) & (HEAVY | WEB | {"onnxruntime", "granian"}) == set()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
