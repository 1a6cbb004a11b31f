"""Peak memory of `pileus dataset create` on a CSV file larger than memory should hold.

`python -m benchmarks.csv_memory --gigabytes 5 --json` writes such a file, starts an installation of
its own, makes a version of the file as a user would and reads the peak of the client process.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.installation import installation

_BLOCK_ROWS = 20_000


def write_csv(path: Path, size_bytes: int, seed: int = 0) -> int:
    """A table of numbers, a category and a label, every row different; its number of rows."""
    chance = random.Random(seed)
    rows = 0
    with path.open("w", encoding="utf-8", buffering=1 << 20) as stream:
        stream.write("id,age,income,score,city,rate,label\n")
        # Random rows are made once: writing them again with another id takes a tenth of the time.
        tails = [
            f"{chance.randrange(100)},{chance.randrange(10**6)},{chance.random():.6f},"
            f"city {chance.randrange(50)},{chance.gauss(0, 1):.4f},{chance.choice('abc')}\n"
            for _ in range(_BLOCK_ROWS)
        ]
        while stream.tell() < size_bytes:
            stream.write("".join(f"{rows + n},{tail}" for n, tail in enumerate(tails)))
            rows += _BLOCK_ROWS
    return rows


def measure(gigabytes: float, folder: Path) -> dict[str, Any]:
    """Make a version of a CSV file of this size, in an installation in `folder`."""
    table = folder / "table.csv"
    rows = write_csv(table, int(gigabytes * 1e9))
    with installation(folder) as words:
        started = time.perf_counter()
        output, peak_mb = _peak_of([*words, "--json", "dataset", "create", "big", str(table)])
        seconds = time.perf_counter() - started
    version = json.loads(output.splitlines()[-1])
    return {
        "csv_gigabytes": table.stat().st_size / 1e9,
        "csv_rows": rows,
        "csv_peak_mb": round(peak_mb, 1),
        "csv_seconds": round(seconds, 1),
        "csv_mb_per_second": round(table.stat().st_size / 1e6 / seconds, 1),
        "csv_version": version["id"],
        "csv_rows_of_version": version["rows_train"] + version["rows_untouched"],
    }


def _peak_of(command: list[str]) -> tuple[str, float]:
    """What a command printed, and the most memory that it held, in megabytes of 10^6 bytes."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read() if process.stdout else ""
        # Not `getrusage` of children, whose peak is that of the largest one ever.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{output}")
    return output, usage.ru_maxrss * 1024 / 1e6


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=5.0, help="size of the CSV file")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--folder", help="where to write; about four times the size is needed")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="pileus-csv-", dir=given.folder) as folder:
        result = measure(given.gigabytes, Path(folder))
    if given.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:<22} {value}")


if __name__ == "__main__":
    main()
