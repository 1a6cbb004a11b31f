"""What `deploy/` says is started as far as a machine without systemd and containers can do it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from tests.contract.conftest import postgres_url  # noqa: F401  a fixture
from tests.contract.s3_servers import free_port
from tests.e2e.installation import clean_environment, pileus_words, run_pileus, until

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PROGRAM = "/opt/pileus/bin/pileus"
HOME = "/var/lib/pileus"


def test_units_start_one_installation(tmp_path: Path) -> None:
    ports = {"PILEUS_SERVER__PORT": str(free_port()), "PILEUS_GATEWAY__PORT": str(free_port())}
    ports["PILEUS_GATEWAY__GRPC_PORT"] = str(free_port())
    url = f"http://127.0.0.1:{ports['PILEUS_SERVER__PORT']}"
    # As the files in /etc/pileus/ would say it.
    ports |= {"PILEUS_GATEWAY__SERVER_URL": url, "PILEUS_WORKER__SERVER_URL": url}
    services = []
    for unit in UNITS:
        lines = unit.read_text("utf-8").splitlines()
        (command,) = [x.removeprefix("ExecStart=") for x in lines if x.startswith("ExecStart=")]
        (variable,) = [x for x in lines if x.startswith("Environment=PILEUS_HOME=")]
        assert variable.endswith(HOME)
        program, *words = shlex.split(command)
        assert program == PROGRAM
        services.append((words, {"PILEUS_HOME": str(tmp_path), **ports}))
    assert len(services) == 3

    with _started(services):
        _check_works(tmp_path, url)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_in_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text("utf-8").replace(PROGRAM, sys.executable)
        (tmp_path / unit.name).write_text(text, "utf-8")

    words = ["systemd-analyze", "verify", *map(str, tmp_path.glob("*.service"))]
    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.postgres
def test_services_of_the_compose_file_are_one_installation(
    postgres_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    document = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text("utf-8"))
    services = {n: one for n, one in document["services"].items() if "command" in one}
    database = document["services"]["postgres"]["environment"]
    assert set(services) == {"server", "gateway", "worker"}
    url = services["server"]["environment"]["PILEUS_SERVER__DATABASE_URL"]
    login = f"{database['POSTGRES_USER']}:{database['POSTGRES_PASSWORD']}"
    assert url == f"postgresql://{login}@postgres:5432/{database['POSTGRES_DB']}"
    # What containers would have from their network: names and ports of their own.
    ports = {"7070": str(free_port()), "7080": str(free_port())}
    given = {"PILEUS_HOME": str(tmp_path), "PILEUS_SERVER__DATABASE_URL": _fresh(postgres_url)}
    given["PILEUS_GATEWAY__GRPC_PORT"] = str(free_port())

    with _started(
        [([_here(word, ports) for word in one["command"]], given) for one in services.values()]
    ):
        _check_works(tmp_path, f"http://127.0.0.1:{ports['7070']}")
        assert not (tmp_path / "state" / "pileus.db").exists()


def test_the_image_is_made_of_files_that_are_there() -> None:
    text = (DEPLOY / "compose" / "Dockerfile").read_text("utf-8")

    root = DEPLOY.parent
    assert "--constraint /src/constraints.txt" in text
    assert (root / "constraints.txt").is_file()
    (extras,) = re.findall(r"'/src\[([\w,]+)\]'", text)
    project = (root / "pyproject.toml").read_text("utf-8")
    assert all(re.search(rf"^{extra} = \[", project, re.MULTILINE) for extra in extras.split(","))
    assert ".venv" in (root / ".dockerignore").read_text("utf-8").split()


def _here(word: str, ports: Mapping[str, str]) -> str:
    for port, free in ports.items():
        word = re.sub(rf"(^|:){port}$", rf"\g<1>{free}", word)
    return word.replace("//server:", "//127.0.0.1:").replace("0.0.0.0", "127.0.0.1")


def _fresh(url: str) -> str:
    """A database of its own in the Postgres of the tests; its URL as the compose file writes it."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS deployed")
        connection.exec_driver_sql("CREATE DATABASE deployed")
    plain = sa.make_url(url).set(drivername="postgresql", database="deployed")
    return plain.render_as_string(hide_password=False)


@contextmanager
def _started(services: Sequence[tuple[list[str], Mapping[str, str]]]) -> Iterator[None]:
    """Each as a process; those that need another wait for it, in whatever order they come."""
    with ExitStack() as stack:
        processes: list[subprocess.Popen[Any]] = []
        for words, environment in services:
            process = subprocess.Popen(
                pileus_words(*words),
                env=clean_environment(**environment),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)
            processes.append(process)
        yield
        assert [process.poll() for process in processes] == [None] * len(processes)


def _check_works(home: Path, url: str) -> None:
    """A job runs, and the gateway has been heard."""

    def said() -> bool:
        done = run_pileus("run", "--", "echo", "it works", PILEUS_HOME=str(home), PILEUS_URL=url)
        return done.returncode == 0 and "it works" in done.stdout

    until((home / "run" / "tokens.json").exists, seconds=40)
    until(said, seconds=60)
    until((home / "gateway" / "routes.json").exists, seconds=20)
