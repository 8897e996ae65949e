"""Writes layers.json: what the layers of packages/trainer/src/models/layers compute in training, in PyTorch float64, and their gradients.

For each case with inputs and weights x_i, cotangent w and directions v_i: first_i = d<f(x), w>/dx_i; second_i = d(sum_j <first_j, v_j>)/dx_i.
`after` holds the non-trainable weights after the call. Spectral normalisation and conditional batch norm are torch's own
(torch.nn.utils.spectral_norm's formula, F.batch_norm); pictures are NHWC and filters HWIO in the file. Run: python tests/vectors/layers.py
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
gen = torch.Generator().manual_seed(5)
cases = []


def rand(*shape, low=-1.5, high=1.5):
    return ((torch.rand(shape, generator=gen) * (high - low) + low) * 1024).round() / 1024


def packed(t):
    return {"shape": list(t.shape), "data": [float(f"{v:.9g}") for v in t.detach().reshape(-1).tolist()]}


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def case(name, f, inputs, weights, labels=None, fixed=None):
    """f(inputs, weights by name, fixed weights by name) → (value, fixed weights after)."""
    xs = [x.clone().requires_grad_() for x in inputs]
    ws = {n: w.clone().requires_grad_() for n, w in weights.items()}
    value, after = f(xs, ws, fixed or {})
    every = xs + list(ws.values())
    w = rand(*value.shape)
    vs = [rand(*x.shape) for x in every]
    first = torch.autograd.grad((value * w).sum(), every, create_graph=True)
    second = torch.autograd.grad(sum((g * v).sum() for g, v in zip(first, vs)), every, allow_unused=True)
    second = [torch.zeros_like(t) if g is None else g for g, t in zip(second, every)]
    cases.append({"name": name, "inputs": [packed(x) for x in xs], "labels": labels, "weights": {n: packed(t) for n, t in ws.items()},
                  "fixed": {n: packed(t) for n, t in (fixed or {}).items()}, "value": packed(value), "w": packed(w), "v": [packed(v) for v in vs],
                  "first": [packed(g) for g in first], "second": [packed(g) for g in second], "after": {n: packed(t) for n, t in after.items()}})


def spectral(kernel, u):
    """One round of power iteration; u and v are constants, as in torch.nn.utils.spectral_norm."""
    matrix = kernel.reshape(-1, kernel.shape[-1]).t()  # torch's: [out, rest]
    with torch.no_grad():
        v = F.normalize(matrix.t() @ u, dim=0, eps=1e-12)
        u = F.normalize(matrix @ v, dim=0, eps=1e-12)
    return kernel / torch.dot(u, matrix @ v), u


def torch_agrees(kernel, u):
    """The formula above is torch's own module, given the same u."""
    layer = torch.nn.Linear(kernel.shape[0], kernel.shape[1], bias=False)
    layer.weight.data = kernel.t().clone()
    layer = torch.nn.utils.spectral_norm(layer)
    layer.weight_u.copy_(u)
    layer(torch.zeros(1, kernel.shape[0]))
    mine, _ = spectral(kernel, u)
    assert torch.allclose(layer.weight.t(), mine, atol=1e-12), "spectral normalisation differs from torch's"


def same(x, k, s):
    h = x.shape[2]
    total = max(0, (math.ceil(h / s) - 1) * s + k - h)
    return F.pad(x, (total // 2, total - total // 2) * 2)


def conv(x, kernel, bias=None, stride=1):
    return nhwc(F.conv2d(same(nchw(x), kernel.shape[0], stride), kernel.permute(3, 2, 0, 1), bias, stride))


def instance(xs, ws, _):
    return nhwc(F.instance_norm(nchw(xs[0]), weight=ws.get("gamma"), bias=ws.get("beta"), eps=1e-5)), {}


case("instanceNorm", instance, [rand(2, 3, 4, 3)], {})
case("instanceNorm affine", instance, [rand(2, 3, 4, 3)], {"gamma": rand(3), "beta": rand(3)})

LABELS = [2, 0, 2, 1]


def conditional(xs, ws, fixed):
    x = nchw(xs[0])
    normed = F.batch_norm(x, None, None, training=True, eps=1e-5)
    rows = [nchw(ws[n][LABELS][:, None, None, :]) for n in ("gamma", "beta")]
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)  # Keras averages the biased variance
    after = {"moving_mean": 0.9 * fixed["moving_mean"] + 0.1 * mean, "moving_variance": 0.9 * fixed["moving_variance"] + 0.1 * variance}
    return nhwc(normed * rows[0] + rows[1]), after


case("conditionalNorm", conditional, [rand(4, 2, 3, 3)], {"gamma": rand(3, 3), "beta": rand(3, 3)}, LABELS,
     {"moving_mean": rand(3), "moving_variance": rand(3, low=0.5)})


def spectral_conv(stride):
    def f(xs, ws, fixed):
        kernel, u = spectral(ws["kernel"], fixed["u"])
        return conv(xs[0], kernel, ws["bias"], stride), {"u": u}
    return f


def spectral_dense(xs, ws, fixed):
    kernel, u = spectral(ws["kernel"], fixed["u"])
    return torch.tanh(xs[0] @ kernel + ws["bias"]), {"u": u}


case("spectralConv", spectral_conv(1), [rand(2, 4, 4, 2)], {"kernel": rand(3, 3, 2, 3), "bias": rand(3)}, fixed={"u": rand(3)})
case("spectralConv stride 2", spectral_conv(2), [rand(2, 6, 6, 2)], {"kernel": rand(4, 4, 2, 3), "bias": rand(3)}, fixed={"u": rand(3)})
torch_agrees(rand(5, 4), rand(4))
case("spectralDense then tanh", spectral_dense, [rand(3, 5)], {"kernel": rand(5, 4), "bias": rand(4)}, fixed={"u": rand(4)})


def projection(xs, ws, fixed):
    kernel, embeddings, after = ws["kernel"], ws["embeddings"], {}
    if fixed:
        kernel, after["kernel/u"] = spectral(kernel, fixed["kernel/u"])
        embeddings, after["embeddings/u"] = spectral(embeddings, fixed["embeddings/u"])
    return xs[0] @ kernel + ws["bias"] + (xs[0] * embeddings[LABELS]).sum(1, keepdim=True), after


weights = {"kernel": rand(5, 1), "bias": rand(1), "embeddings": rand(3, 5)}
case("projection", projection, [rand(4, 5)], weights, LABELS)
case("projection spectral", projection, [rand(4, 5)], weights, LABELS, {"kernel/u": rand(1), "embeddings/u": rand(5)})


def deviation(group):
    """StyleGAN2's MinibatchStdLayer with one channel."""
    def f(xs, ws, _):
        x = nchw(xs[0])
        n, c, h, w = x.shape
        y = x.reshape(group, -1, 1, c, h, w)
        y = ((y - y.mean(0)).square().mean(0) + 1e-8).sqrt().mean([2, 3, 4]).reshape(-1, 1, 1, 1).repeat(group, 1, h, w)
        return nhwc(torch.cat([x, y], 1)), {}
    return f


case("minibatchDeviation", deviation(3), [rand(6, 2, 2, 2)], {})


def attention(xs, ws, _):
    x = xs[0]
    q, k, v = ((x @ ws[f"{n}/kernel"][0, 0]).reshape(2, 6, -1) for n in ("query", "key", "value"))
    return x + ws["gamma"] * (torch.softmax(q @ k.transpose(1, 2), -1) @ v).reshape(x.shape), {}


case("selfAttention", attention, [rand(2, 2, 3, 8)],
     {"query/kernel": rand(1, 1, 8, 1), "key/kernel": rand(1, 1, 8, 1), "value/kernel": rand(1, 1, 8, 8), "gamma": rand(1).reshape(())})
case("reflectPad", lambda xs, ws, _: (nhwc(F.pad(nchw(torch.tanh(xs[0])), (2, 2, 2, 2), mode="reflect")), {}), [rand(2, 4, 3, 2)], {})

out = pathlib.Path(__file__).with_name("layers.json")
out.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "cases": cases}, separators=(",", ":")) + "\n")
print(out.name, len(cases), "cases", out.stat().st_size, "bytes")
