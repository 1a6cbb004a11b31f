"""Server, gateway and worker as processes of their own: the gateway answers without the server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from pileus.sdk import Client
from tests.e2e.installation import (
    Installation,
    clean_environment,
    pileus_words,
    processes_of,
    until,
    value_of,
)

PREDICTIONS = 1000
CALLERS = 4
ROW = {"inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 30], "data": [1.0] * 30}]}


class Apart(Installation):
    """An installation without a supervisor."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.home.mkdir()
        self.ports = {"server": _free_port(), "gateway": _free_port(), "grpc": _free_port()}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def server_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['server']}"

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['gateway']}"

    def start(self, name: str) -> None:
        port = [] if name == "worker" else ["--port", str(self.ports[name])]
        if name == "gateway":
            port += ["--grpc-port", str(self.ports["grpc"])]
        server = [] if name == "server" else ["--server-url", self.server_url]
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                pileus_words(name, "--home", str(self.home), *port, *server),
                env=clean_environment(HOME=str(self.directory)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def signal(self, name: str, signum: int = signal.SIGTERM) -> None:
        process = self.processes.pop(name)
        os.kill(process.pid, signum)
        process.wait(30)

    def wait_for_server(self) -> None:
        until(lambda: _answers(f"{self.server_url}/api/v1/health"), seconds=15)

    def wait_for_gateway(self) -> None:
        until(lambda: _answers(f"{self.gateway_url}/v2/models/cancer/ready", self.token), 15)

    def there(self) -> Client:
        return Client(self.server_url, self.token, gateway_url=self.gateway_url)

    def predictions_billed(self) -> int:
        with self.there() as client:
            lines = client.bill.invoice()["lines"]
        return sum(line["quantity"] for line in lines if line["resource"] == "prediction")

    def caller(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.gateway_url, headers=headers, timeout=10)

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        for left in processes_of(self.home):
            with suppress(psutil.Error):
                left.kill()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    """One model behind one endpoint; its worker has gone."""
    apart = Apart(tmp_path_factory.mktemp("apart"))
    try:
        apart.start("server")
        apart.wait_for_server()
        apart.start("worker")
        apart.start("gateway")
        at = ("--url", apart.server_url, "--json")
        words = ("--recipe", "logistic-regression", "--epochs", "3", "--register", "cancer")
        value_of(apart.run("dataset", "create", "cancer", "sample:breast-cancer", *at))
        value_of(apart.run("train", "cancer", *words, *at))
        value_of(apart.run("endpoint", "create", "cancer", "--model", "cancer:1", *at))
        apart.signal("worker")
        apart.wait_for_gateway()
        yield apart
    finally:
        apart.end()


@pytest.fixture
def apart(trained: Apart) -> Apart:
    """Server and gateway run."""
    for name, wait in (("server", trained.wait_for_server), ("gateway", trained.wait_for_gateway)):
        if name not in trained.processes:
            trained.start(name)
        wait()
    return trained


def predict(caller: httpx.Client) -> bool:
    return caller.post("/v2/models/cancer/infer", json=ROW).status_code == 200


class TestServerAway:
    def test_a_thousand_predictions_are_answered_and_billed_to_the_last_one(
        self, apart: Apart
    ) -> None:
        before = apart.predictions_billed()
        apart.signal("server")

        with apart.caller() as caller:
            answered = sum(predict(caller) for _ in range(PREDICTIONS))

        assert answered == PREDICTIONS
        apart.start("server")
        apart.wait_for_server()
        until(lambda: apart.predictions_billed() >= before + PREDICTIONS, seconds=15)
        assert apart.predictions_billed() == before + PREDICTIONS

    def test_a_gateway_that_starts_without_the_server_answers_from_its_cache(
        self, apart: Apart
    ) -> None:
        before = apart.predictions_billed()
        apart.signal("server", signal.SIGKILL)
        with apart.caller() as caller:
            first = [predict(caller) for _ in range(10)]

        apart.signal("gateway")
        apart.start("gateway")
        apart.wait_for_gateway()
        with apart.caller() as caller:
            second = [predict(caller) for _ in range(10)]
            health = caller.get("/v2/health/ready").json()

        assert all(first + second)
        assert health["ready"] is True
        apart.start("server")
        apart.wait_for_server()
        until(lambda: apart.predictions_billed() >= before + 20, seconds=15)
        assert apart.predictions_billed() == before + 20

    def test_a_token_that_the_gateway_does_not_know_is_refused_without_the_server(
        self, apart: Apart
    ) -> None:
        apart.signal("server", signal.SIGKILL)

        with apart.caller() as caller:
            refused = caller.post(
                "/v2/models/cancer/infer", json=ROW, headers={"Authorization": "Bearer plt_nobody"}
            )

        assert refused.status_code == 401


class TestKilledGateway:
    def test_what_was_answered_is_billed_and_little_more(self, apart: Apart) -> None:
        before = apart.predictions_billed()
        answered = [0] * CALLERS

        def call(number: int) -> None:
            with suppress(httpx.TransportError), apart.caller() as caller:
                while predict(caller):
                    answered[number] += 1

        callers = [threading.Thread(target=call, args=(number,)) for number in range(CALLERS)]
        for one in callers:
            one.start()
        until(lambda: sum(answered) > 300, seconds=20)
        apart.signal("gateway", signal.SIGKILL)
        for one in callers:
            one.join()

        apart.start("gateway")
        apart.wait_for_gateway()
        until(lambda: apart.predictions_billed() - before >= sum(answered), seconds=15)
        with apart.caller() as caller:  # what comes later has arrived: nothing is left to arrive
            assert predict(caller)
        total = sum(answered) + 1
        until(lambda: apart.predictions_billed() - before >= total, seconds=15)
        assert total <= apart.predictions_billed() - before <= total + CALLERS


def _answers(url: str, token: str | None = None) -> bool:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        return httpx.get(url, headers=headers, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
