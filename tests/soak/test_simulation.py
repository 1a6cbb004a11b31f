"""The simulated world for minutes: over memory, and over Postgres with a connection per server."""

from __future__ import annotations

import random
import time

import pytest

from tests.contract.conftest import fresh_postgres, postgres_url  # noqa: F401  a fixture
from tests.unit.jobs.simulation.living import over_memory, over_postgres
from tests.unit.jobs.simulation.shrinking import play_seed

_SECONDS = 150.0


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_invariants_hold_over_memory():
    _play(over_memory, 300)


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_invariants_hold_with_two_servers_on_postgres(postgres_url):  # noqa: F811
    _play(lambda history: over_postgres(history, fresh_postgres(postgres_url)), 80)


def _play(play, length: int) -> None:
    first = random.SystemRandom().getrandbits(32)
    print(f"from seed {first}")  # noqa: T201  a failure is repeated with it
    until = time.monotonic() + _SECONDS
    seed = first
    while time.monotonic() < until:
        play_seed(play, seed, length)
        seed += 1
    print(f"{seed - first} histories")  # noqa: T201
