# Peer of bench:peers: the ONNX file in OpenVINO, its batch fixed, float32, tuned for latency.
import openvino as ov

import generator

o = generator.arguments()
core = ov.Core()
model = core.read_model(o.file)
model.reshape([o.batch, generator.LATENT])
request = core.compile_model(
    model,
    "CPU",
    {"INFERENCE_NUM_THREADS": o.threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"},
).create_infer_request()
z = generator.latents(o.batch)
generator.serve(lambda: request.infer([z])[0], o, {"openvino": ov.__version__})
