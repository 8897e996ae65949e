# Serves the models of this folder with Ray Serve, on the routes of the Open Inference Protocol (v2), as JSON.
# Written by `forja export-repository --server ray`; it is yours to change.
#
#   pip install "ray[serve]" onnxruntime numpy         (onnxruntime-gpu on machines with a GPU)
#   serve run ray_app:app                              (in this folder; port 8000)
import asyncio
import pathlib

import numpy as np
import onnxruntime as ort
from ray import serve
from starlette.responses import JSONResponse

MAX_BATCH = {{maxBatch}}  # requests that share a run, at most
WAIT_S = {{waitSeconds}}  # seconds that a request waits for others
REPLICAS = {{instances}}  # copies of each model
GPU = {{gpu}}

TYPES = {
    "FP32": np.float32,
    "FP16": np.float16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "INT8": np.int8,
    "BOOL": np.bool_,
}
NAMES = {
    "tensor(float)": "FP32",
    "tensor(float16)": "FP16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(uint8)": "UINT8",
    "tensor(int8)": "INT8",
    "tensor(bool)": "BOOL",
}


@serve.deployment(num_replicas=REPLICAS, ray_actor_options={"num_gpus": 1 if GPU else 0})
class Model:
    def __init__(self, name, path):
        self.name = name
        self.version = pathlib.Path(path).parent.name
        providers = ["CUDAExecutionProvider"] if GPU else ["CPUExecutionProvider"]
        self.session = ort.InferenceSession(path, providers=providers)
        sides = [self.session.get_inputs(), self.session.get_outputs()]
        firsts = {p.shape[0] if p.shape else None for side in sides for p in side}
        # Rows can be requests if the first size of everything is the same free one.
        self.batched = MAX_BATCH > 1 and len(firsts) == 1 and isinstance(firsts.pop(), str)

    def metadata(self):
        def ports(side):
            return [
                {
                    "name": p.name,
                    "datatype": NAMES[p.type],
                    "shape": [n if isinstance(n, int) else -1 for n in p.shape],
                }
                for p in side
            ]

        return {
            "name": self.name,
            "versions": [self.version],
            "platform": "onnxruntime_onnx",
            "inputs": ports(self.session.get_inputs()),
            "outputs": ports(self.session.get_outputs()),
        }

    async def infer(self, body):
        feeds = {
            one["name"]: np.array(one["data"], TYPES[one["datatype"]]).reshape(one["shape"])
            for one in body["inputs"]
        }
        expected = {p.name for p in self.session.get_inputs()}
        if set(feeds) != expected:
            raise ValueError(f"expected the inputs {sorted(expected)}, got {sorted(feeds)}")
        rows = {len(value) if value.ndim else None for value in feeds.values()}
        if self.batched and len(rows) != 1:
            raise ValueError(f"expected one number of rows, got {sorted(map(str, rows))}")
        results = await self.shared(feeds) if self.batched else await asyncio.to_thread(self.run, feeds)
        outputs = [
            {
                "name": port.name,
                "datatype": NAMES[port.type],
                "shape": list(value.shape),
                "data": value.ravel().tolist(),
            }
            for port, value in zip(self.session.get_outputs(), results)
        ]
        return {"id": body.get("id", ""), "model_name": self.name, "model_version": self.version, "outputs": outputs}

    @serve.batch(max_batch_size=MAX_BATCH, batch_wait_timeout_s=WAIT_S)
    async def shared(self, requests):
        # A request of another row shape would fail the others, so each shape has a run of its own.
        results = [None] * len(requests)
        groups = {}
        for i, feeds in enumerate(requests):
            shapes = tuple(sorted((name, value.shape[1:]) for name, value in feeds.items()))
            groups.setdefault(shapes, []).append(i)
        for members in groups.values():
            all_feeds = {
                name: np.concatenate([requests[i][name] for i in members]) for name in requests[members[0]]
            }
            try:
                outputs = await asyncio.to_thread(self.run, all_feeds)
            except Exception as error:
                for i in members:
                    results[i] = error
                continue
            at = 0
            for i in members:
                rows = len(next(iter(requests[i].values())))
                results[i] = [value[at : at + rows] for value in outputs]
                at += rows
        return results

    def run(self, feeds):
        return self.session.run(None, feeds)


@serve.deployment
class Api:
    def __init__(self, models):
        self.models = models

    async def __call__(self, request):
        parts = request.url.path.strip("/").split("/")
        if parts == ["v2"]:
            return {"name": "ray", "version": "1", "extensions": []}
        if parts[:2] == ["v2", "health"] and parts[2:] in (["live"], ["ready"]):
            return {}
        if parts[:2] == ["v2", "models"] and len(parts) >= 3:
            model = self.models.get(parts[2])
            action = parts[5:] if parts[3:4] == ["versions"] else parts[3:]
            if model is None:
                return JSONResponse({"error": f"no model {parts[2]}"}, 404)
            if action == ["infer"] and request.method == "POST":
                if "inference-header-content-length" in request.headers:
                    return JSONResponse({"error": "expected JSON without binary tensors"}, 400)
                try:
                    return await model.infer.remote(await request.json())
                except Exception as error:  # what the client sent, or onnxruntime's reason
                    reason = str(error).strip().splitlines()[-1:] or ["failed"]
                    return JSONResponse({"error": reason[0]}, 400)
            if action == ["ready"]:
                return {}
            if action == []:
                return await model.metadata.remote()
        return JSONResponse({"error": "no such path"}, 404)


def models():
    """The newest version of each model in this folder."""
    here = pathlib.Path(__file__).resolve().parent
    newest = {}
    for path in here.glob("*/*/model.onnx"):
        name, version = path.parent.parent.name, path.parent.name
        if version.isdigit() and int(version) >= newest.get(name, (0, None))[0]:
            newest[name] = (int(version), path)
    return {name: Model.options(name=name).bind(name, str(path)) for name, (_, path) in newest.items()}


app = Api.bind(models())
