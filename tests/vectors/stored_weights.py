# Weights in 8 bits and half precision by numpy, as storeWeights writes them, and a model with DequantizeLinear as other
# tools write it, with the floats that onnx's reference implementation makes of it. Run:
# python tests/vectors/stored_weights.py   → stored-weights.json here. Needs numpy, onnx.
import base64
import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(5)


def packed(a):
    a = np.ascontiguousarray(a)
    return base64.b64encode(a.tobytes()).decode()


def tensor(a):
    return {"shape": list(a.shape), "data": packed(a.astype("<f4"))}


def stored(w, axis):
    """Whole numbers, scales and zero points of each channel along an axis, and the floats they stand for."""
    others = tuple(i for i in range(w.ndim) if i != axis)
    keep = dict(axis=others, keepdims=True)
    scale = (np.abs(w.astype("f8")).max(**keep) / 127).astype("f4")
    scale[scale == 0] = 1
    q = np.clip(np.rint(w.astype("f8") / scale.astype("f8")), -127, 127).astype("i1")
    low, high = np.minimum(w.min(**keep), 0).astype("f8"), np.maximum(w.max(**keep), 0).astype("f8")
    scale_u = ((high - low) / 255).astype("f4")
    scale_u[scale_u == 0] = 1
    zero = np.clip(np.rint(-low / scale_u.astype("f8")), 0, 255) + 0.0  # no negative zero
    u = np.clip(np.rint(w.astype("f8") / scale_u.astype("f8")) + zero, 0, 255).astype("u1")
    return {
        "axis": axis,
        "weights": tensor(w),
        "int8": {"q": packed(q), "scale": tensor(scale.ravel()), "floats": tensor(q.astype("f4") * scale)},
        "uint8": {
            "q": packed(u),
            "scale": tensor(scale_u.ravel()),
            "zero": tensor(zero.ravel()),
            "floats": tensor((u.astype("f4") - zero.astype("f4")) * scale_u),
        },
        "fp16": {"q": packed(w.astype("<f2")), "floats": tensor(w.astype("<f2").astype("f4"))},
    }


def dequantized():
    """A convolution and a product whose weights come from DequantizeLinear and a Cast."""
    q = rng.integers(-127, 128, (8, 4, 3, 3)).astype("i1")
    u = rng.integers(0, 256, (8, 16)).astype("u1")
    h = rng.normal(size=(16, 5)).astype("f2")
    initial = {
        "q": q,
        "q_scale": rng.uniform(0.001, 0.01, 8).astype("f4"),
        "u": u,
        "u_scale": rng.uniform(0.001, 0.01, 16).astype("f4"),
        "u_zero": rng.integers(90, 160, 16).astype("u1"),
        "h": h,
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "q_scale"], ["kernel"], axis=0),
        helper.make_node("Conv", ["x", "kernel"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["c"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("DequantizeLinear", ["u", "u_scale", "u_zero"], ["matrix"], axis=-1),
        helper.make_node("MatMul", ["f", "matrix"], ["m"]),
        helper.make_node("Cast", ["h"], ["last"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["m", "last"], ["y"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", TensorProto.FLOAT, [1, 4, 6, 6])],
        [value("y", TensorProto.FLOAT, [1, 5])]
        + [value(name, TensorProto.FLOAT, None) for name in ("kernel", "matrix", "last")],
        [numpy_helper.from_array(a, name) for name, a in initial.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    x = rng.normal(size=(1, 4, 6, 6)).astype("f4")
    y, *weights = ReferenceEvaluator(model).run(None, {"x": x})
    for _ in range(3):
        del model.graph.output[-1]
    onnx.checker.check_model(model)
    names = ("kernel", "matrix", "last")
    return {
        "model": base64.b64encode(model.SerializeToString()).decode(),
        "x": tensor(x),
        "y": tensor(y),
        "weights": {name: tensor(w) for name, w in zip(names, weights)},
    }


def main():
    normal = rng.normal(0, 0.05, (6, 8, 3, 3)).astype("f4")
    shifted = rng.normal(0.3, 0.05, (8, 6, 4, 4)).astype("f4")
    matrix = rng.normal(0, 1, (20, 12)).astype("f4")
    matrix[:, 3] = 0  # a channel of zeros
    matrix[:, 4] = np.append(np.arange(19) - 8.5, 127)  # halfway between whole numbers
    # numbers that lie on a grid already, each channel on one of its own, as batch norm folded into tfjs's weights does
    grid = rng.integers(0, 256, (6, 8, 3, 3))
    steps = rng.uniform(0.001, 0.1, (6, 1, 1, 1)).astype("f4")
    folded = ((grid - 131) * 0.0123).astype("f4") * steps
    fine = (rng.integers(0, 65536, (6, 8, 3, 3)) - 30000).astype("f4") * np.float32(0.000123)
    out = {
        "cases": {
            "Conv": stored(normal, 0),
            "ConvTranspose": stored(shifted, 1),
            "MatMul": stored(matrix, 1),
        },
        "grids": {"uint8": tensor(folded), "uint16": tensor(fine), "float16": tensor(normal.astype("f2").astype("f4"))},
        "dequantized": dequantized(),
    }
    (HERE / "stored-weights.json").write_text(json.dumps(out) + "\n")


main()
