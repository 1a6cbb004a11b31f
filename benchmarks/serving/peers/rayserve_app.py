"""Ray Serve with `serve.batch`, in a cluster of this process's own. Its port is the first argument."""

from __future__ import annotations

import signal
import sys
from typing import Any

import numpy as np
import orjson
import ray
from ray import serve
from starlette.requests import Request

from benchmarks.serving.peers.graph import answer, open_graph


@serve.deployment(num_replicas=1, max_ongoing_requests=64)
class Classifier:
    """One replica."""

    def __init__(self) -> None:
        self._run = open_graph()

    @serve.batch(max_batch_size=16, batch_wait_timeout_s=0.001)
    async def _predict(self, rows: list[Any]) -> list[Any]:
        return list(self._run(np.concatenate(rows)))

    async def __call__(self, request: Request) -> dict[str, Any]:
        """One row."""
        tensor = orjson.loads(await request.body())["inputs"][0]
        row = np.asarray(tensor["data"], dtype=np.float32).reshape(tensor["shape"])
        probabilities = await self._predict(row)
        return answer(probabilities[np.newaxis])


def _serve(port: int) -> None:
    # An address of its own: never a cluster that runs on this machine already.
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(Classifier.bind(), route_prefix="/m")  # type: ignore[attr-defined]
    signal.pause()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
