# What the Python peers of bench:peers share: an exported DCGAN generator as a list of layers, the latents that every
# peer gets, and the comparison with onnxruntime's pictures. Needs numpy and onnx.
import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
from onnx import numpy_helper

sys.path.append(str(Path(__file__).resolve().parent.parent / "torch"))
import peer  # noqa: E402 (the protocol of a bench's peer)

LATENT = 100


def arguments():
    a = argparse.ArgumentParser()
    a.add_argument("file", help="the generator as ONNX")
    a.add_argument("expected", help="onnxruntime's pictures of these latents, float32 NCHW")
    a.add_argument("--batch", type=int, default=1)
    a.add_argument("--threads", type=int, default=2)
    return a.parse_args()


def latents(batch):
    """The latents of lib/pictures.mjs, float32 [batch, 100]."""
    return np.sin(np.arange(batch * LATENT) * 12.9898).astype(np.float32).reshape(batch, LATENT)


def layers(file):
    """Layers of an ONNX file, in order; weights in the file's layout: `dense` with w [latent, n] and the shape [c, h, w] of its
    result; `deconv` with w [in, out, kh, kw], stride and pad. Both have b (or None) and an activation: relu, tanh or None. Refuses other operators."""
    graph = onnx.load(file).graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    made = []
    for node in graph.node:
        given = [constants.get(name) for name in node.input]
        a = {x.name: onnx.helper.get_attribute_value(x) for x in node.attribute}
        if node.op_type == "MatMul":
            made.append(SimpleNamespace(kind="dense", w=given[1], b=None, activation=None))
        elif node.op_type == "Add":
            made[-1].b = given[1] if given[1] is not None else given[0]
        elif node.op_type == "Reshape":
            made[-1].shape = [int(n) for n in given[1][1:]]
        elif node.op_type == "ConvTranspose":
            (stride, across), pads = a["strides"], a["pads"]
            assert stride == across and len(set(pads)) == 1, f"generator.py: expected equal strides and pads, got {a}"
            made.append(SimpleNamespace(kind="deconv", w=given[1], b=given[2] if len(given) > 2 else None, stride=stride, pad=pads[0], activation=None))
        elif node.op_type in ("Relu", "Tanh"):
            made[-1].activation = node.op_type.lower()
        else:
            raise ValueError(f"generator.py: expected MatMul, Add, Reshape, ConvTranspose, Relu or Tanh, got {node.op_type}")
    return made


def channels_last(dense):
    """Weights and bias of a dense layer whose result [h, w, c] is flat, instead of [c, h, w]."""
    order = np.arange(np.prod(dense.shape)).reshape(dense.shape).transpose(1, 2, 0).ravel()
    return dense.w[:, order], None if dense.b is None else dense.b[order]


def serve(run, o, versions, nhwc=False):
    """Compares run()'s pictures with the expected ones, then serves blocks of `run`."""
    pictures = np.asarray(run())
    expected = np.fromfile(o.expected, np.float32)
    pictures = (pictures.transpose(0, 3, 1, 2) if nhwc else pictures).ravel()
    distance = float(np.abs(pictures - expected).max() / np.abs(expected).max())
    peer.run(run, SimpleNamespace(serve=True), versions, about={"distance": distance})
