"""The main job over several split seeds: accuracy on the untouched split, seconds, cost.

`python -m benchmarks.quickstart --seeds 5 --json` runs `pileus quickstart --json --seed N` as a
user would, in a fresh home each time, and sums up.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from typing import Any


def run_once(seed: int) -> dict[str, Any]:
    """One quickstart; its answer, with the seconds of the whole process added."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pileus", "--json", "quickstart", "--seed", str(seed)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"quickstart with seed {seed} failed:\n{done.stdout}{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer | {"seed": seed, "process_seconds": time.perf_counter() - started}


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="split seeds 0 to N-1")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    given = parser.parse_args(arguments)
    runs = []
    for seed in range(given.seeds):
        runs.append(run_once(seed))
        if not given.json:
            run = runs[-1]
            print(
                f"seed {seed}: accuracy {run['accuracy']:.4f},"
                f" {run['process_seconds']:.1f} s, cost {run['cost_micro']} micro"
            )
    accuracies = [run["accuracy"] for run in runs]
    seconds = [run["process_seconds"] for run in runs]
    print(
        json.dumps(
            {
                "accuracy_median": statistics.median(accuracies),
                "accuracy_worst": min(accuracies),
                "seconds_median": statistics.median(seconds),
                "seconds_worst": max(seconds),
                "parity_max_abs_diff": max(run["parity_max_abs_diff"] for run in runs),
                "machine": f"{platform.machine()}, {platform.python_version()}",
                "runs": runs,
            }
        )
    )


if __name__ == "__main__":
    main()
