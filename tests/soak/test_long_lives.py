"""Minutes of submits, cancels, lost nodes and killed servers: on SQLite, and two servers on Postgres."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from pathlib import Path

import pytest
import sqlalchemy as sa

from pileus.sdk import Client
from tests.contract.conftest import fresh_postgres, postgres_url  # noqa: F401  a fixture
from tests.e2e.installation import until
from tests.soak.balancer import Balancer
from tests.soak.chaos import Chaos
from tests.soak.crowd import Crowd
from tests.soak.endings import (
    check_ends,
    check_in_time,
    check_logs,
    check_nothing_left,
    check_rest,
)
from tests.soak.fences import Fences
from tests.soak.fleet import Node, Server
from tests.soak.rows import PostgresRows, Rows, SqliteRows
from tests.soak.watching import Watcher

MINUTES = float(os.environ.get("PILEUS_SOAK_MINUTES", "20"))
PEOPLE = 4
NODES = 3

_LOOK_SECONDS = 5.0
"""Between two looks at what attempts say: all of it is read."""

_CALM_SECONDS = 240.0
"""After the last kill everything that was submitted ends within this."""

pytestmark = [pytest.mark.soak, pytest.mark.timeout(60 * MINUTES + 900)]

# So short that what is given up runs again while somebody looks.
_SERVER = {
    "PILEUS_JOBS__LEASE_SECONDS": "3",
    "PILEUS_JOBS__FENCE_SECONDS": "6",
    "PILEUS_JOBS__RETRY_SECONDS": "0.2",
    "PILEUS_JOBS__RETRY_SECONDS_MAX": "2",
    "PILEUS_JOBS__RESCUE_SECONDS": "1",
    "PILEUS_METERING__SLICE_SECONDS": "1",
    "PILEUS_METERING__STORAGE_SLICE_SECONDS": "5",
}
_WORKER = {"PILEUS_WORKER__RETRY_SECONDS_MAX": "1", "PILEUS_WORKER__USAGE_SECONDS": "1"}

# Projects of one cohort: less than the nodes have, so that quotas are met and taken back.
_QUOTAS = {
    "default": {"nominal": 2000, "borrowing": 500},
    "other": {"nominal": 1000, "borrowing": 1000},
}


def test_invariants_hold_on_sqlite(tmp_path: Path) -> None:
    home = tmp_path / "home"
    server = Server("server", home, _SERVER)

    with Life(tmp_path, [server], server.url).lived() as life:
        life.live(lambda: SqliteRows(home / "state" / "pileus.db"))


@pytest.mark.postgres
def test_invariants_hold_with_two_servers_on_postgres(
    postgres_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    url = fresh_postgres(postgres_url)
    settings = {**_SERVER, "PILEUS_SERVER__DATABASE_URL": url}
    servers = [Server(name, tmp_path / "home", settings) for name in ("server-a", "server-b")]
    engine = sa.create_engine(url, isolation_level="REPEATABLE READ")

    try:
        with (
            Balancer([server.port for server in servers]) as balancer,
            Life(tmp_path, servers, balancer.url).lived() as life,
        ):
            life.live(lambda: PostgresRows(engine))
    finally:
        engine.dispose()


class Life:
    """An installation from its first start to its last stop."""

    def __init__(self, directory: Path, servers: list[Server], url: str) -> None:
        self.home = directory / "home"
        self.home.mkdir(mode=0o700)
        self.seed = int(os.environ.get("PILEUS_SOAK_SEED") or random.SystemRandom().getrandbits(32))
        print(f"seed {self.seed}")  # noqa: T201  a failure is repeated with it
        self._began = time.monotonic()
        self._events = directory / "events.log"
        self._servers = servers
        self._url = url
        link = {
            "PILEUS_WORKER__SERVER_URL": url,
            "PILEUS_WORKER__TOKEN_FILE": str(self.home / "run" / "worker.token"),
        }
        self._nodes = [
            Node(f"node-{number}", directory, {**_WORKER, **link}) for number in range(NODES)
        ]
        self._fences = Fences(directory / "fences")
        self._tokens: dict[str, str] = {}

    @contextmanager
    def lived(self) -> Iterator[Life]:
        """Nothing of it is left, however it goes."""
        with ExitStack() as stack:
            for part in (*self._servers, *self._nodes):
                stack.callback(part.end)
            yield self

    def live(self, rows: Callable[[], Rows]) -> None:
        most = self._found()
        watcher = Watcher(rows, most, sum(quota["nominal"] for quota in _QUOTAS.values()))
        crowd = Crowd(self.seed, self.client, [*_QUOTAS], self._fences, lambda: watcher.open)
        chaos = Chaos(self.seed, self._servers, self._nodes, self._tell)
        troubles = (watcher.troubles, crowd.troubles, chaos.troubles)

        def go_on() -> bool:
            if found := [one for trouble in troubles for one in trouble]:
                pytest.fail("\n".join(found))
            return True

        watcher.start()
        try:
            crowd.come(PEOPLE)
            chaos.start()
            try:
                end = time.monotonic() + 60 * MINUTES
                while go_on() and time.monotonic() < end:
                    check_in_time(chain(*self._fences.traces().values()), watcher.given_up)
                    time.sleep(_LOOK_SECONDS)
            finally:
                crowd.leave()
                chaos.calm()
            self._tell("calm")
            looks = watcher.looks + 1  # the one that goes on may have begun before the last submit
            until(
                lambda: go_on() and watcher.looks > looks and not watcher.open, _CALM_SECONDS, 0.5
            )
            self._tell("all have ended")
            until(lambda: all(node.is_empty() for node in self._nodes), _CALM_SECONDS, 0.5)
            self._tell("all are forgotten")
        finally:
            watcher.stop()
        watcher.look()
        go_on()
        with closing(rows()) as last:
            check_ends(crowd.asked, last, self._fences.traces(), watcher.given_up)
            self._tell("ends are right")
            self._check_at_rest(last, crowd)
            self._tell("the rest is, too")
            self._print(crowd, chaos, watcher, last)
        for part in (*self._nodes, *self._servers):
            part.stop()
        for server in self._servers:
            server.start()
            server.wait()
            check_nothing_left(self.home)
            server.stop()
        check_logs([self.home, *(node.home for node in self._nodes)])

    def client(self, project: str) -> Client:
        return Client(self._url, self._tokens[project], project, patience_seconds=10.0)

    def _found(self) -> dict[str, int]:
        """Starts everything; by id of the project, what each may hold of processors."""
        # One after the other: the first one makes the home.
        for server in self._servers:
            server.start()
            server.wait()
        self._tokens = json.loads((self.home / "run" / "tokens.json").read_text("utf-8"))
        most = {}
        with self.client("default") as client:
            made = client.projects.create("other")
            self._tokens["other"] = made["token"]
            for project in client.projects.list():
                limit = _QUOTAS[project["name"]]
                terms = {
                    "cohort": "all",
                    "limits": {"cpu_milli": limit},
                    "reclaim": "any",
                    "preempt": "lower",
                }
                client.quotas.set(project["name"], terms)
                most[project["id"]] = sum(limit.values())
        for node in self._nodes:
            node.start()
        return most

    def _check_at_rest(self, rows: Rows, crowd: Crowd) -> None:
        names = {row["id"]: row["name"] for row in rows.of("select id, name from project")}
        clients = {id_: self.client(name) for id_, name in names.items()}
        try:
            check_rest(self.home, rows, clients, crowd.asked)
        finally:
            for client in clients.values():
                client.close()

    def _tell(self, what: str) -> None:
        with self._events.open("a", encoding="utf-8") as events:
            events.write(f"{time.monotonic() - self._began:8.2f} {what}\n")

    def _print(self, crowd: Crowd, chaos: Chaos, watcher: Watcher, rows: Rows) -> None:
        ends = Counter(row["status"] for row in rows.of("select status from job"))
        (tries,) = rows.of("select count(*) as n, count(distinct job) as jobs from attempt")
        exits = [json.loads(row["exit"]) for row in rows.of("select exit from attempt")]
        (paid,) = rows.of("select count(*) as n from ledger_entry")
        said: Mapping[str, object] = {
            "jobs": dict(ends),
            "refused": crowd.refused,
            "unanswered": sum(one.id is None for one in crowd.asked) - crowd.refused,
            "attempts": tries["n"],
            "jobs with attempts": tries["jobs"],
            "ends of attempts": dict(Counter(one.get("reason") for one in exits)),
            "done": dict(chaos.done),
            "looks": watcher.looks,
            "ledger entries": paid["n"],
            "most cpu": dict(watcher.peak_cpu),
        }
        print("\n".join(f"{what}: {value}" for what, value in said.items()))  # noqa: T201
