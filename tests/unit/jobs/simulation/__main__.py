"""`python -m tests.unit.jobs.simulation [HISTORY] [--seed N] [--length N] [--sqlite]`."""

from __future__ import annotations

import argparse
import itertools
import sys

from tests.unit.jobs.simulation.living import over_memory, over_sqlite
from tests.unit.jobs.simulation.shrinking import play_seed
from tests.unit.jobs.simulation.steps import parse


def main() -> None:
    """Play one history; without one, random ones from `--seed` on until one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("history", nargs="?", help="steps as a failure printed them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, help="so many seeds; without an end if absent")
    parser.add_argument("--length", type=int, default=150)
    parser.add_argument("--sqlite", action="store_true")
    given = parser.parse_args()
    play = over_sqlite if given.sqlite else over_memory
    if given.history is not None:
        play(parse(given.history))
        return
    seeds = itertools.count(given.seed)
    for seed in seeds if given.count is None else itertools.islice(seeds, given.count):
        sys.stderr.write(f"seed {seed}\n")
        play_seed(play, seed, given.length)


main()
