"""A server that exists only in memory, and the routes it announces."""

import asyncio
import hashlib
import socket
from pathlib import Path

import numpy as np

from pileus.core.schemas.metering import MeterReport
from pileus.core.schemas.registry import BundleFile
from pileus.core.schemas.serving import Route, RoutePrice, Routes, RouteToken
from pileus.sdk.link import ServerAway
from pileus.security.tokens import token_hash

KEY = bytes(range(32))
DEVELOPER = "plt_developer"
VIEWER = "plt_viewer"
EXPIRED = "plt_expired"
STRANGER = "plt_stranger"


class FakeLink:
    """A `ServerLink` that keeps what it is given; `is_away` makes every call fail."""

    def __init__(self) -> None:
        self.document: Routes | None = None
        self.blobs: dict[str, bytes] = {}
        self.reports: list[MeterReport] = []
        self.segments: dict[tuple[int, int, str], bytes] = {}
        self.is_away = False
        self.asked: list[int] = []

    async def routes(self, after, wait_seconds):
        self._check()
        self.asked.append(after)
        await asyncio.sleep(0)
        waited = 0.0
        while self.document is None or self.document.seq <= after:
            if waited >= wait_seconds:
                return None
            await asyncio.sleep(0.02)
            waited += 0.02
            self._check()
        return self.document

    async def blob(self, project, digest):
        self._check()
        content = self.blobs[digest]
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]

    async def push_meters(self, report):
        self._check()
        self.reports.append(report)
        return report.sequence

    async def put_segment(self, segment, content):
        self._check()
        self.segments[segment.lane, segment.number, segment.source] = content

    def _check(self) -> None:
        if self.is_away:
            raise ServerAway("The server does not answer: away")

    def hold(self, directory: Path) -> tuple[BundleFile, ...]:
        """Keep a bundle's files as blobs; the list of them."""
        files = []
        for path in sorted(directory.iterdir()):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            self.blobs[digest] = content
            files.append(BundleFile(path=path.name, digest=digest, size=len(content)))
        return tuple(files)

    def totals(self) -> tuple[int, int, int]:
        """Requests, predictions and errors of the newest report of each source."""
        newest = {report.source: report for report in self.reports}
        counters = [counter for report in newest.values() for counter in report.counters]
        return (
            sum(counter.requests for counter in counters),
            sum(counter.predictions for counter in counters),
            sum(counter.errors for counter in counters),
        )


def route(bundle, name="flowers", number=1, project="prj_a", endpoint="end_a") -> Route:
    return Route(
        project=project,
        name=name,
        endpoint=endpoint,
        revision=f"rev_{endpoint}_{number}",
        number=number,
        model="flowers",
        model_version=number,
        model_version_id=f"mdv_{number}",
        bundle=bundle,
        price=RoutePrice(id="prc_1", micro=100_000, exponent=6),
    )


def routes(*endpoints: Route, seq: int = 1, tokens=None) -> Routes:
    if tokens is None:
        tokens = (
            token(DEVELOPER, "prj_a", "developer"),
            token(VIEWER, "prj_a", "viewer"),
            token(EXPIRED, "prj_a", "admin", "2020-01-01T00:00:00+00:00"),
            token(STRANGER, "prj_b", "admin"),
        )
    return Routes(seq=seq, token_key=KEY.hex(), endpoints=endpoints, tokens=tuple(tokens))


def token(text, project, role, expires_at=None) -> RouteToken:
    return RouteToken(
        id=f"tok_{text}",
        hash=token_hash(KEY, text),
        project=project,
        principal=f"prn_{text}",
        role=role,
        expires_at=expires_at,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def features(rows: int = 1, seed: int = 0) -> dict:
    data = np.random.default_rng(seed).normal(size=rows * 3).round(3).tolist()
    tensor = {"name": "features", "shape": [rows, 3], "datatype": "FP32", "data": data}
    return {"inputs": [tensor]}
