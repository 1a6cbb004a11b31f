"""The shortest part of a failing history that still fails in the same way (delta debugging: Zeller
and Hildebrandt, 2002).

Histories come from a plain generator: hypothesis repeats itself too much to get deep into a world
in which most steps do nothing unless others came before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.unit.jobs.simulation.steps import Step, random_history, text_of

Play = Callable[[Sequence[Step]], None]


def play_seed(play: Play, seed: int, length: int) -> None:
    """A random history; when it fails, so does a short one, whose text is printed."""
    history = random_history(seed, length)
    found = failure_of(play, history)
    if found is None:
        return
    short = shrunk(history, lambda part: _is_like(failure_of(play, part), found))
    print(f"seed {seed}: python -m tests.unit.jobs.simulation '{text_of(short)}'")  # noqa: T201
    play(short)
    raise found


def failure_of(play: Play, history: Sequence[Step]) -> Exception | None:
    try:
        play(history)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what was looked for
        return error
    return None


def shrunk(history: Sequence[Step], fails: Callable[[Sequence[Step]], bool]) -> list[Step]:
    found = list(history)
    size = len(found) // 2
    while size:
        start = 0
        while start < len(found):
            part = found[:start] + found[start + size :]
            if fails(part):
                found = part
            else:
                start += size
        size //= 2
    return found


def _is_like(error: Exception | None, other: Exception) -> bool:
    return type(error) is type(other) and str(error)[:25] == str(other)[:25]
