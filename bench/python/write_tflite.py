# Writes an exported DCGAN generator as a TensorFlow Lite file: python write_tflite.py generator.onnx batch out.tflite.
# The flatbuffer is made directly, with the schema that ai-edge-litert carries, so TensorFlow is not needed. Operators:
# FULLY_CONNECTED, RESHAPE, TRANSPOSE_CONV and TANH, with ReLUs fused; pictures are NHWC.
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

import generator

FUSED = {None: 0, "relu": schema.ActivationFunctionType.RELU, "tanh": 0}
VERSIONS = {"FULLY_CONNECTED": 1, "RESHAPE": 1, "TRANSPOSE_CONV": 4, "TANH": 1}


class Writer:
    """A graph in which every tensor and operator is appended."""

    def __init__(self):
        self.buffers, self.tensors, self.operators = [schema.BufferT()], [], []

    def tensor(self, name, shape, data=None):
        buffer = 0
        if data is not None:
            buffer = len(self.buffers)
            self.buffers.append(schema.BufferT(data=np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)))
        kind = schema.TensorType.INT32 if data is not None and data.dtype == np.int32 else schema.TensorType.FLOAT32
        self.tensors.append(schema.TensorT(name=name.encode(), shape=[int(n) for n in shape], type=kind, buffer=buffer))
        return len(self.tensors) - 1

    def constant(self, name, data):
        return self.tensor(name, data.shape, data)

    def op(self, code, inputs, shape, options=None):
        output = self.tensor(f"{code.lower()}_{len(self.operators)}", shape)
        kind = 0 if options is None else getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        self.operators.append(
            schema.OperatorT(opcodeIndex=list(VERSIONS).index(code), inputs=inputs, outputs=[output], builtinOptionsType=kind, builtinOptions=options)
        )
        return output

    def finish(self, inputs, outputs):
        codes = [
            schema.OperatorCodeT(deprecatedBuiltinCode=getattr(schema.BuiltinOperator, code), builtinCode=getattr(schema.BuiltinOperator, code), version=version)
            for code, version in VERSIONS.items()
        ]
        graph = schema.SubGraphT(name=b"main", tensors=self.tensors, operators=self.operators, inputs=inputs, outputs=outputs)
        model = schema.ModelT(version=3, operatorCodes=codes, subgraphs=[graph], buffers=self.buffers, description=b"bench:peers")
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def same_padding(layer, size):
    """TRANSPOSE_CONV knows no pads: 'SAME' with the size of the result, which must mean the file's pads."""
    kernel, result = layer.w.shape[2], (size - 1) * layer.stride - 2 * layer.pad + layer.w.shape[2]
    total = max(0, (size - 1) * layer.stride + kernel - result)
    if result != size * layer.stride or total // 2 != layer.pad:
        raise ValueError(f"write_tflite.py: expected pads that TFLite calls SAME, got kernel {kernel}, stride {layer.stride}, pads {layer.pad}")
    return result


def convert(file, batch):
    g = Writer()
    z = x = g.tensor("z", [batch, generator.LATENT])
    for i, layer in enumerate(generator.layers(file)):
        zeros = lambda n: np.zeros(n, np.float32)  # noqa: E731
        if layer.kind == "dense":
            w, b = generator.channels_last(layer)
            c, h, width = layer.shape
            shape = [batch, h, width, c]
            weights = [g.constant(f"w{i}", w.T), g.constant(f"b{i}", zeros(w.shape[1]) if b is None else b)]
            x = g.op("FULLY_CONNECTED", [x, *weights], [batch, w.shape[1]], schema.FullyConnectedOptionsT(fusedActivationFunction=FUSED[layer.activation]))
            x = g.op("RESHAPE", [x, g.constant(f"shape{i}", np.array(shape, np.int32))], shape, schema.ReshapeOptionsT(newShape=shape))
        else:
            size, c = same_padding(layer, h), layer.w.shape[1]
            shape = [batch, size, size, c]
            inputs = [g.constant(f"shape{i}", np.array(shape, np.int32)), g.constant(f"w{i}", layer.w.transpose(1, 2, 3, 0)), x]
            inputs.append(g.constant(f"b{i}", zeros(c) if layer.b is None else layer.b))
            options = schema.TransposeConvOptionsT(
                padding=schema.Padding.SAME, strideW=layer.stride, strideH=layer.stride, fusedActivationFunction=FUSED[layer.activation]
            )
            x, h = g.op("TRANSPOSE_CONV", inputs, shape, options), size
        if layer.activation == "tanh":
            x = g.op("TANH", [x], shape)
    return g.finish([z], [x])


if __name__ == "__main__":
    with open(sys.argv[3], "wb") as out:
        out.write(convert(sys.argv[1], int(sys.argv[2])))
