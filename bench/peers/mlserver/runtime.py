"""onnxruntime behind MLServer: it has no runtime of its own for it."""

from __future__ import annotations

from engines import load_engine
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, PandasCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Flights(MLModel):
    """Scores rows."""

    async def load(self) -> bool:
        """Load the model."""
        self.engine = load_engine()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The answers."""
        import numpy as np

        rows = PandasCodec.decode_request(payload).to_dict("records")
        answers = np.array(self.engine(rows))
        outputs = [NumpyCodec.encode_output("predict_proba", answers)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
