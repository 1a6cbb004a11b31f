"""LitServe with batches. Its port is the first argument."""

from __future__ import annotations

import sys
from typing import Any

import litserve  # type: ignore[import-not-found]
import numpy as np

from benchmarks.serving.peers.graph import answer, open_graph


class Api(litserve.LitAPI):  # type: ignore[misc]
    """Rows one by one at the door, together at the graph."""

    def setup(self, device: str) -> None:  # noqa: ARG002  the interface's
        self._run = open_graph()

    # LitServe makes models of a body out of these annotations, so that the body as it is has none.
    def decode_request(self, request):  # noqa: ANN001, ANN201
        tensor = request["inputs"][0]
        return np.asarray(tensor["data"], dtype=np.float32).reshape(tensor["shape"][1:])

    def batch(self, inputs: list[Any]) -> Any:  # noqa: ANN401
        return np.stack(inputs)

    def predict(self, x: Any) -> Any:  # noqa: ANN401
        return self._run(x)

    def unbatch(self, output: Any) -> list[Any]:  # noqa: ANN401
        return list(output)

    def encode_response(self, output):  # noqa: ANN001, ANN201
        return answer(output[np.newaxis])


if __name__ == "__main__":
    api = Api(max_batch_size=16, batch_timeout=0.002)
    litserve.LitServer(api, accelerator="cpu", workers_per_device=1).run(
        host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False
    )
