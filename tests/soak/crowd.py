"""People who submit jobs of all kinds, cancel some at any moment, and remember what they were told."""

from __future__ import annotations

import random
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pileus.core.errors import Conflict, Unavailable
from pileus.core.schemas.jobs import JobStatus
from pileus.sdk import Client
from tests.soak.fences import FROM, WORD, Fences

_PAUSE_SECONDS = (0.1, 1.2)
_TIMEOUT_SECONDS = 1.0
"""Of a job that is to run into it; those that are not have a minute."""

_GRACE_SECONDS = 1.0
_MOST_WAITING = 80
"""More in the queue, and people wait: there is to be something in each state, not a heap in one."""

_WAYS = ((), (), (), (), ("stubborn",), ("leaves",), ("stubborn", "leaves"))


@dataclass
class Asked:
    """A job that somebody asked for; its label is its name."""

    label: str
    project: str
    seconds: float
    code: int
    timeout_seconds: float
    max_attempts: int
    need: Asked | None
    reads: bool
    """Whether it reads what the job that it needs has left."""

    spec: Mapping[str, Any]
    id: str | None = None
    """None when the answer never came: it may be there or not."""

    is_cancelled: bool = False
    """Somebody asked for that, whether it was heard or not."""

    seen: str | None = None
    """The final status that was answered."""

    @property
    def is_slow(self) -> bool:
        """Whether it runs into its timeout."""
        return self.seconds > self.timeout_seconds


@dataclass
class Crowd:
    """Several people at once; `asked` grows until `leave`."""

    seed: int
    clients: Callable[[str], Client]
    """A client of a project, of its own for each who asks."""

    projects: Sequence[str]
    fences: Fences
    waiting: Callable[[], int]
    """How many jobs have not ended, as far as is known."""

    asked: list[Asked] = field(default_factory=list)
    refused: int = 0
    """Jobs that were not taken because what they need had already ended badly."""

    troubles: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)
    _people: list[threading.Thread] = field(default_factory=list)

    def come(self, count: int) -> None:
        for number in range(count):
            choose = random.Random(f"{self.seed}-{number}")
            person = threading.Thread(target=self._live, args=(choose,), name=f"person-{number}")
            person.start()
            self._people.append(person)

    def leave(self) -> None:
        """Once each of them has had its last answer."""
        self._over.set()
        for person in self._people:
            person.join()

    def _live(self, choose: random.Random) -> None:
        try:
            clients = {project: self.clients(project) for project in self.projects}
            try:
                while not self._over.wait(choose.uniform(*_PAUSE_SECONDS)):
                    self._act(choose, clients)
            finally:
                for client in clients.values():
                    client.close()
        except Exception:  # noqa: BLE001  whoever waits for us raises it
            self.troubles.append(traceback.format_exc())

    def _act(self, choose: random.Random, clients: Mapping[str, Client]) -> None:
        known = [one for one in self.asked if one.id is not None]
        what = choose.random()
        if not known or what < 0.7:
            if self.waiting() < _MOST_WAITING:
                self._submit(choose, clients, known)
        elif what < 0.85:
            # Most of the new ones have not ended; one that has is asked as well.
            self._cancel(choose.choice(known[-20:]), clients)
        else:
            self._look(choose.choice(known), clients)

    def _submit(
        self, choose: random.Random, clients: Mapping[str, Client], known: Sequence[Asked]
    ) -> None:
        project = choose.choice(self.projects)
        needs = [one for one in known[-30:] if one.project == project]
        need = choose.choice(needs) if needs and choose.random() < 0.25 else None
        with self._lock:
            one = self._invented(choose, f"j{len(self.asked):05}", project, need)
            self.asked.append(one)
        try:
            one.id = str(clients[project].jobs.submit(one.spec)["id"])
        except Unavailable:
            return
        except Conflict:
            if need is None:
                raise
            self.refused += 1

    def _invented(
        self, choose: random.Random, label: str, project: str, need: Asked | None
    ) -> Asked:
        # Some are still at it when they have been given up, unless something ends them.
        seconds = choose.choice((0.0, 0.0, 0.2, 0.5, 1.0, 2.0, 4.0, choose.uniform(8.0, 30.0)))
        code = 3 if choose.random() < 0.12 else 0
        is_slow = choose.random() < 0.08
        timeout = _TIMEOUT_SECONDS if is_slow else 60.0
        seconds = 5.0 if is_slow else seconds
        cpu = 0.1 if seconds > 5.0 else choose.choice((0.1, 0.25, 0.5, 1.0))
        tries = choose.choice((1, 2, 3, 3, 6))
        reads = need is not None and choose.random() < 0.5
        source = need.label if need is not None and reads else ""
        command = self.fences.command(label, seconds, code, source, choose.choice(_WAYS))
        spec: dict[str, Any] = {
            "kind": "command",
            "name": label,
            "command": command,
            "resources": {"cpu": cpu, "memory_mib": 64},
            "timeout_seconds": timeout,
            "grace_seconds": _GRACE_SECONDS,
            "max_attempts": tries,
            "priority": choose.choice((0, 0, 0, 5, 10)),
        }
        if need is not None:
            spec["needs"] = [need.id]
            spec["needs_on"] = choose.choice(("success", "any"))
        if need is not None and reads:
            spec["inputs"] = [{"name": FROM, "job": need.id, "artifact": WORD}]
        return Asked(label, project, seconds, code, timeout, tries, need, reads, spec)

    def _cancel(self, one: Asked, clients: Mapping[str, Client]) -> None:
        one.is_cancelled = True  # before: it may be done and the answer lost
        try:
            clients[one.project].jobs.cancel(str(one.id))
        except Unavailable:
            return
        except Conflict:  # it has ended
            self._look(one, clients)

    def _look(self, one: Asked, clients: Mapping[str, Client]) -> None:
        before = one.seen  # somebody else may hear of its end while we are told that it runs
        try:
            status = str(clients[one.project].jobs.get(str(one.id))["status"])
        except Unavailable:
            return
        assert before in {None, status}, f"{one.label} was {before} and is {status}"
        if JobStatus(status).is_final:
            one.seen = status
