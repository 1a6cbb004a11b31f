"""One prediction a request: Pileus beside servers that others would run, all on the same graph.

`python -m benchmarks.gateway --json` starts an installation and its peers in turn, one at a time, several
rounds. All serve the CNN for 28 x 28 pixels, and are asked for one image a request over 16 connections: as
JSON and as JSON with raw data after it (wrk), and over gRPC (h2load). Pileus finds out who asks, and meters
and records every answer; no peer does. Then Pileus alone with 512 connections.

A row is the median of the rounds; a ratio is the median of the rounds' ratios. `cpu_us` is processor time a
request over the server's processes; of Pileus these are gateway and server, whose part is `server_cpu_us`. The
prototype (granian, msgspec, the graph, orjson) and the echo (a constant) are bounds, and never the best peer.
`--peers all` adds servers that are installed on first use, each into an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.serving import contenders, parts
from benchmarks.serving.contenders import Contender, Peer, PeerContender
from benchmarks.serving.environments import NotInstalled
from benchmarks.serving.load import require
from benchmarks.serving.model import Graph, read_graph, write_cnn
from benchmarks.serving.parts import PARTS
from benchmarks.serving.pileus_contender import Installed, PileusContender
from benchmarks.serving.rounds import Plan, Samples, ratio, row, take_turns

_CONNECTIONS = 16
_MANY = 512
_MANY_FACTOR = 1.6
"""The 99th percentile may be this many times what everybody waits at best: connections / throughput."""


class Benchmark:
    """What was started so far, and what was found."""

    def __init__(self, given: argparse.Namespace, directory: Path) -> None:
        self._given = given
        self._directory = directory
        write_cnn(directory / "cnn.onnx")
        self.graph: Graph = read_graph(directory / "cnn.onnx")
        self._installed: Installed | None = None
        self.rows: list[dict[str, Any]] = []
        self.absent: dict[str, str] = {}

    def measure(self, name: str, peers: Sequence[Peer]) -> Samples:
        """Pileus and its peers, asked in one way."""
        taking: list[Contender] = [*self._pileus(name)]
        for peer in peers:
            directory = self._directory / f"{name[0]}-{peer.name.lower()}"
            try:
                taking.append(PeerContender(peer, self.graph, directory, self._given.environments))
            except NotInstalled as error:
                self.absent[peer.name] = str(error)
        samples = take_turns(name, taking, PARTS[name].load, self._plan(_CONNECTIONS))
        self.rows += [row(name, one.name, samples[one.name]) for one in taking]
        return samples

    def measure_many(self) -> dict[str, float] | None:
        """Pileus with many connections: nobody may wait much longer than everybody has to."""
        pileus = self._pileus("json")
        if not pileus:
            return None
        samples = take_turns("json", pileus, PARTS["json"].load, self._plan(_MANY))
        found = row("json", "pileus", samples["pileus"])
        bound = _MANY_FACTOR * _MANY / found["rps"] * 1000
        return {"rps": found["rps"], "p99_ms": found["p99_ms"], "bound_ms": round(bound, 1)}

    def end(self) -> None:
        """Leave nothing running, whatever came in between."""
        if self._installed is not None:
            self._installed.end()

    def _pileus(self, name: str) -> list[PileusContender]:
        if self._given.without_pileus:
            return []
        if self._installed is None:
            self._installed = Installed(self.graph, self._directory / "pileus")
            self._installed.set_up()
        if name == "grpc" and not self._installed.has_grpc:
            self.absent["pileus over gRPC"] = "its gateway answers HTTP alone"
            return []
        return [PileusContender(self._installed, PARTS[name])]

    def _plan(self, connections: int) -> Plan:
        given = self._given
        return Plan(given.rounds, given.seconds, given.warm_seconds, connections, self._directory)


def measure(given: argparse.Namespace, benchmark: Benchmark) -> dict[str, Any]:
    """Every figure of the parts that were asked for."""
    asked: Samples = {}
    raw: Samples = {}
    called: Samples = {}
    many = best = None
    if "json" in given.parts:
        asked = benchmark.measure("json", [*contenders.ALWAYS, *given.peers])
        best = _best(benchmark.rows)
        many = benchmark.measure_many()
    if "binary" in given.parts:
        raw = benchmark.measure("binary", parts.binary_peers(benchmark.graph))
    if "grpc" in given.parts:
        called = benchmark.measure("grpc", parts.grpc_peers())
    return {
        "rows": benchmark.rows,
        "ratios": {
            "json_rps_vs_best_peer": ratio(asked, "rps", "pileus", best or ""),
            "json_cpu_vs_prototype": ratio(asked, "cpu_us", "pileus", "prototype"),
            "json_cpu_vs_fastapi": ratio(asked, "cpu_us", "pileus", "FastAPI"),
            "binary_cpu_vs_prototype": ratio(raw, "cpu_us", "pileus", "prototype"),
            "grpc_cpu_vs_echo": ratio(called, "cpu_us", "pileus", "grpc.aio"),
        },
        "best_peer": best,
        "json_c512": many,
        "absent": benchmark.absent,
        "load_average": round(os.getloadavg()[0], 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}",
    }


def _best(rows: Sequence[dict[str, Any]]) -> str | None:
    peers = [r for r in rows if r["name"] not in contenders.BOUNDS | {"pileus"}]
    return max(peers, key=lambda r: float(r["rps"]))["name"] if peers else None


def _parts(text: str) -> list[str]:
    wanted = text.split(",")
    if not set(wanted) <= PARTS.keys():
        raise argparse.ArgumentTypeError(f"parts are {', '.join(PARTS)}")
    return wanted


def _peers(text: str) -> list[Peer]:
    known = {peer.name.lower(): peer for peer in contenders.FURTHER}
    wanted = list(known) if text == "all" else [name for name in text.lower().split(",") if name]
    if not set(wanted) <= known.keys():
        raise argparse.ArgumentTypeError(f"further peers are {', '.join(known)}; or 'all'")
    return [known[name] for name in wanted]


def _stop(number: int, _: object) -> None:
    # As Ctrl-C does: what was started is stopped on the way out.
    sys.exit(128 + number)


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load, whole ones")
    parser.add_argument("--warm-seconds", type=float, default=3.0, help="of load before")
    parser.add_argument("--parts", type=_parts, default=list(PARTS), help="json,binary,grpc")
    parser.add_argument("--peers", type=_peers, default=[], help="further ones, or all")
    parser.add_argument(
        "--environments",
        type=Path,
        default=Path("~/.cache/pileus-benchmarks"),
        help="where further peers are installed, once",
    )
    parser.add_argument("--without-pileus", action="store_true", help="the peers alone")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    given = parser.parse_args(arguments)
    for name in given.parts:
        require(PARTS[name].tool)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    with tempfile.TemporaryDirectory(prefix="pileus-gw-", ignore_cleanup_errors=True) as name:
        benchmark = Benchmark(given, Path(name))
        try:
            found = measure(given, benchmark)
        finally:
            benchmark.end()
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
