"""Kills whatever lives, lets it stand still, takes nodes away, and brings everything back later."""

from __future__ import annotations

import heapq
import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import TypeVar

import psutil

from tests.soak.fleet import Node, Part, Server, kill_runner

P = TypeVar("P", bound=Part)

_PAUSE_SECONDS = (0.5, 5.0)

# From a restart at once to one after the time in which whatever ran there was given up.
_SERVER_AWAY_SECONDS = (0.0, 6.0)
_WORKER_AWAY_SECONDS = (0.0, 20.0)
_NODE_AWAY_SECONDS = (0.0, 25.0)
_WORKER_STILL_SECONDS = (0.5, 20.0)
# A server that stands still may do so in a transaction, in which no other one can write.
_SERVER_STILL_SECONDS = (0.5, 3.0)


class Chaos(threading.Thread):
    """One thing at a time, with what is due again in between."""

    def __init__(
        self,
        seed: int,
        servers: Sequence[Server],
        nodes: Sequence[Node],
        tell: Callable[[str], None],
    ) -> None:
        super().__init__(name="chaos")
        self.done: Counter[str] = Counter()
        self.troubles: list[str] = []
        self._random = random.Random(seed)
        self._servers = servers
        self._nodes = nodes
        self._tell = tell
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()
        self._over = threading.Event()
        self._deeds = {
            self._kill_runner: 5,
            self._kill_attempt: 4,
            self._kill_worker: 4,
            self._kill_server: 4,
            self._lose_node: 3,
            self._freeze_worker: 2,
            self._freeze_server: 1,
            self._kill_zygote: 1,
        }

    def run(self) -> None:
        try:
            while not self._over.is_set():
                self._wait(self._random.uniform(*_PAUSE_SECONDS))
                (deed,) = self._random.choices([*self._deeds], [*self._deeds.values()])
                with suppress(psutil.Error):  # it went by itself
                    deed()
                self._check()
        except Exception:  # noqa: BLE001  whoever waits for us raises it
            self.troubles.append(traceback.format_exc())

    def calm(self) -> None:
        """No more of it, and everything is up."""
        self._over.set()
        self.join()
        while self._due:
            heapq.heappop(self._due)[2]()
        for part in (*self._servers, *self._nodes):
            part.thaw()
            part.start()

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._over.is_set() and (left := until - time.monotonic()) > 0:
            if self._due and self._due[0][0] <= time.monotonic():
                heapq.heappop(self._due)[2]()
            self._over.wait(min(left, 0.1))

    def _check(self) -> None:
        for part in (*self._servers, *self._nodes):
            part.check()

    def _later(self, between: tuple[float, float], deed: Callable[[], None]) -> None:
        moment = time.monotonic() + self._random.uniform(*between)
        heapq.heappush(self._due, (moment, next(self._number), deed))

    def _note(self, what: str, on: str) -> None:
        self.done[what] += 1
        self._tell(f"{what} {on}")

    # --- what is done

    def _kill_server(self) -> None:
        if one := self._any(self._servers):
            one.kill()
            self._note("server killed", one.name)
            self._later(_SERVER_AWAY_SECONDS, lambda: self._start(one))

    def _kill_worker(self) -> None:
        if one := self._any(self._nodes):
            one.kill()
            self._note("worker killed", one.name)
            self._later(_WORKER_AWAY_SECONDS, lambda: self._start(one))

    def _lose_node(self) -> None:
        # One without its worker is lost like any other.
        one = self._random.choice(self._nodes)
        one.lose()
        boots = self._random.random() < 0.7
        if boots:
            one.boot()
        self._note("node lost" if boots else "all of a node killed", one.name)
        self._later(_NODE_AWAY_SECONDS, lambda: self._start(one))

    def _freeze_worker(self) -> None:
        self._freeze(self._any(self._nodes), "worker", _WORKER_STILL_SECONDS)

    def _freeze_server(self) -> None:
        self._freeze(self._any(self._servers), "server", _SERVER_STILL_SECONDS)

    def _freeze(self, one: Part | None, what: str, between: tuple[float, float]) -> None:
        if one is not None:
            one.freeze()
            self._note(f"{what} stopped", one.name)
            self._later(between, one.thaw)

    def _kill_runner(self) -> None:
        one = self._any(self._nodes)
        if one is not None and (runners := one.runners(attended=True)):
            kill_runner(self._random.choice(runners))
            self._note("runner killed", one.name)

    def _kill_attempt(self) -> None:
        one = self._random.choice(self._nodes)
        if led := [child for runner in one.runners() for child in runner.children()]:
            self._random.choice(led).kill()
            self._note("attempt killed", one.name)

    def _kill_zygote(self) -> None:
        one = self._any(self._nodes)
        if one is not None and (zygotes := one.zygotes()):
            self._random.choice(zygotes).kill()
            self._note("zygote killed", one.name)

    def _start(self, one: Part) -> None:
        if not one.is_up:
            one.start()
            self._tell(f"started {one.name}")

    def _any(self, parts: Sequence[P]) -> P | None:
        living = [one for one in parts if one.is_up and not one.is_frozen]
        return self._random.choice(living) if living else None
