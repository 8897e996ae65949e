# Runs an ONNX file under MLServer, which has no runtime for it. MLServer finds this file beside model-settings.json.
# Written by `forja export-repository --server mlserver`; it is yours to change.
#
#   pip install mlserver onnxruntime                   (onnxruntime-gpu on machines with a GPU)
#   mlserver start <the repository>                    (HTTP on port 8080, gRPC on 8081)
import asyncio

import onnxruntime as ort
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri

GPU = {{gpu}}


class OnnxModel(MLModel):
    async def load(self) -> bool:
        path = await get_model_uri(self.settings)
        providers = ["CUDAExecutionProvider"] if GPU else ["CPUExecutionProvider"]
        self.session = ort.InferenceSession(path, providers=providers)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feeds = {one.name: NumpyCodec.decode_input(one) for one in payload.inputs}
        names = [port.name for port in self.session.get_outputs()]
        results = await asyncio.to_thread(self.session.run, names, feeds)
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            model_version=self.version,
            outputs=[NumpyCodec.encode_output(name, value) for name, value in zip(names, results)],
        )
