# Peer of bench:peers: the generator in TensorFlow Lite, now LiteRT, whose CPU kernels are XNNPACK's.
import importlib.metadata

from ai_edge_litert.interpreter import Interpreter

import generator
import write_tflite

o = generator.arguments()
interpreter = Interpreter(model_content=write_tflite.convert(o.file, o.batch), num_threads=o.threads)
interpreter.allocate_tensors()
[given], [result] = interpreter.get_input_details(), interpreter.get_output_details()
z = generator.latents(o.batch)


def run():
    interpreter.set_tensor(given["index"], z)
    interpreter.invoke()
    return interpreter.get_tensor(result["index"])


generator.serve(run, o, {"ai-edge-litert": importlib.metadata.version("ai-edge-litert")}, nhwc=True)
