"""A history: steps with two numbers each, as text that a failure prints and a person replays."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import NamedTuple

WEIGHTS = {
    "submit": 6,
    "chain": 3,
    "calm": 10,
    "cancel": 3,
    "drain": 1,
    "undrain": 2,
    "talk": 14,
    "schedule": 10,
    "reap": 4,
    "meter": 3,
    "open": 14,
    "lose_connection": 1,
    "kill_server": 3,
    "deliver": 6,
    "repeat": 2,
    "lose": 2,
    "answer": 6,
    "lose_answer": 2,
    "forge": 1,
    "end": 6,
    "kill_worker": 3,
    "start_worker": 4,
    "hold_worker": 2,
    "let_worker": 3,
    "reboot": 2,
    "lose_runner": 1,
    "advance": 12,
    "jump": 1,
}
"""What may happen in the world, and how often of all."""

_NAMES = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
MOST = 11


class Step(NamedTuple):
    """What happens, and two numbers that say to what and how."""

    name: str
    a: int
    b: int

    def __repr__(self) -> str:
        return f"{self.name}:{self.a}:{self.b}"


def text_of(history: Iterable[Step]) -> str:
    return " ".join(map(repr, history))


def parse(text: str) -> list[Step]:
    found = []
    for word in text.split():
        name, a, b = word.split(":")
        found.append(Step(name, int(a), int(b)))
    return found


def random_history(seed: int, length: int) -> list[Step]:
    choose = random.Random(seed)
    return [
        Step(choose.choice(_NAMES), choose.randint(0, MOST), choose.randint(0, MOST))
        for _ in range(length)
    ]
