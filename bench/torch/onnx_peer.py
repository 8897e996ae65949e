# Peer of bench:runtime: the very file, its weights in PyTorch modules, in the default layout. Arguments: file, threads, batch. It is compared with onnxruntime's numbers once, where that is there.
import sys
import types

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

import peer

file, threads, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
model = onnx.load(file)
constants = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in model.graph.initializer}
nodes = [(node.op_type, list(node.input), node.output[0], {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}) for node in model.graph.node]


def transposed(x, w, b, a):
    pads, strides = a.get('pads', [0, 0, 0, 0]), a.get('strides', [1, 1])
    if pads[0] == pads[2] and pads[1] == pads[3]:
        return F.conv_transpose2d(x, w, b, strides, pads[:2], a.get('output_padding', [0, 0]), a.get('group', 1))
    y = F.conv_transpose2d(x, w, b, strides, 0, a.get('output_padding', [0, 0]), a.get('group', 1))
    return y[:, :, pads[0] : y.shape[2] - pads[2], pads[1] : y.shape[3] - pads[3]]


def flat(t):
    return [int(v) for v in t.tolist()]


OPS = {
    'MatMul': lambda x, a: torch.matmul(x[0], x[1]),
    'Gemm': lambda x, a: F.linear(x[0], x[1] if a.get('transB') else x[1].T, x[2] if len(x) > 2 else None),
    'Add': lambda x, a: x[0] + x[1],
    'Mul': lambda x, a: x[0] * x[1],
    'Relu': lambda x, a: torch.relu(x[0]),
    'Tanh': lambda x, a: torch.tanh(x[0]),
    'Transpose': lambda x, a: x[0].permute(*a['perm']),
    'Reshape': lambda x, a: x[0].reshape([x[0].shape[i] if n == 0 else n for i, n in enumerate(flat(x[1]))]),
    'ConvTranspose': lambda x, a: transposed(x[0], x[1], x[2] if len(x) > 2 else None, a),
}


@torch.inference_mode()
def run(z):
    values = {**constants, model.graph.input[0].name: z}
    for op, inputs, output, attributes in nodes:
        values[output] = OPS[op]([values[name] for name in inputs], attributes)
    return values[model.graph.output[0].name]


z = torch.from_numpy(np.sin(np.arange(batch * 100) * 12.9898).astype(np.float32).reshape(batch, 100))
try:
    import onnxruntime

    expected = onnxruntime.InferenceSession(file).run(None, {model.graph.input[0].name: z.numpy()})[0]
    assert np.abs(run(z).numpy() - expected).max() < 1e-4
except ImportError:
    pass
peer.run(lambda: run(z), types.SimpleNamespace(serve=True), {'torch': torch.__version__})
