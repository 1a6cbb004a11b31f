"""BentoML with adaptive batches."""

import bentoml  # type: ignore[import-not-found]
import numpy as np

from benchmarks.serving.peers.graph import open_graph


@bentoml.service(workers=1)
class Classifier:
    """One worker."""

    def __init__(self) -> None:
        self._run = open_graph()

    # The annotations are read when the class is made: they say what a body holds.
    @bentoml.api(batchable=True, max_batch_size=16, max_latency_ms=1000)
    def infer(self, x: np.ndarray) -> np.ndarray:
        """Rows."""
        return np.asarray(self._run(x.astype(np.float32)))
