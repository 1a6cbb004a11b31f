"""MLServer's model class; `model-settings.json` names it."""

from __future__ import annotations

import numpy as np
from mlserver import MLModel  # type: ignore[import-not-found]
from mlserver.codecs import NumpyCodec  # type: ignore[import-not-found]
from mlserver.types import InferenceRequest, InferenceResponse  # type: ignore[import-not-found]

from benchmarks.serving.peers.graph import open_graph


class Model(MLModel):  # type: ignore[misc]
    """The server batches for it."""

    async def load(self) -> bool:
        self._run = open_graph()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        probabilities = self._run(rows.astype(np.float32))
        return InferenceResponse(
            model_name=self.name, outputs=[NumpyCodec.encode_output("probs", probabilities)]
        )
