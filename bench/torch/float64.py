# For bench:models: a convolutional network of one input and one output, computed in float64. Arguments: the ONNX file, [1, size, size, 3] as float32, where to put the result (float32, rounded once).
import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

file, given, out = sys.argv[1:4]
model = onnx.load(file)
x = np.fromfile(given, np.float32)
size = int((x.size / 3) ** 0.5)
values = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in model.graph.initializer}
values = {name: t.double() if t.is_floating_point() else t for name, t in values.items()}
values[model.graph.input[0].name] = torch.from_numpy(x.reshape(1, size, size, 3)).double()


def conv(x, a):
    top, left, bottom, right = a.get('pads', [0, 0, 0, 0])
    return F.conv2d(F.pad(x[0], (left, right, top, bottom)), x[1], x[2] if len(x) > 2 else None, a.get('strides', [1, 1]))


def nearest(x, a):
    assert a['mode'] == b'nearest'
    return x[0].repeat_interleave(int(x[2][2]), 2).repeat_interleave(int(x[2][3]), 3)


def shuffled(x, a):
    b = a['blocksize']
    n, c, h, w = x[0].shape
    if a.get('mode', b'DCR') == b'CRD':
        y = x[0].reshape(n, c // b // b, b, b, h, w).permute(0, 1, 4, 2, 5, 3)
    else:
        y = x[0].reshape(n, b, b, c // b // b, h, w).permute(0, 3, 4, 1, 5, 2)
    return y.reshape(n, c // b // b, h * b, w * b)


OPS = {
    'Conv': conv,
    'Resize': nearest,
    'DepthToSpace': shuffled,
    'Relu': lambda x, a: x[0].relu(),
    'LeakyRelu': lambda x, a: F.leaky_relu(x[0], a.get('alpha', 0.01)),
    'PRelu': lambda x, a: torch.where(x[0] < 0, x[0] * x[1], x[0]),
    'Add': lambda x, a: x[0] + x[1],
    'Mul': lambda x, a: x[0] * x[1],
    'Concat': lambda x, a: torch.cat(x, a['axis']),
    'Gather': lambda x, a: x[0].index_select(a['axis'], x[1].long()),
    'Transpose': lambda x, a: x[0].permute(*a['perm']),
}

with torch.inference_mode():
    for node in model.graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        values[node.output[0]] = OPS[node.op_type]([values.get(name) for name in node.input], attributes)
values[model.graph.output[0].name].float().numpy().tofile(out)
